# The tests of the program firn, which they run as it was built, and of its parts.
add_library(cli_program OBJECT cli_program.cpp)
target_link_libraries(cli_program PRIVATE firn_app doctest::doctest)
target_compile_definitions(cli_program PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")

# firn_program_test(NAME [source...]): NAME.cpp, which runs the program.
function(firn_program_test name)
  firn_test(${name} ${name}.cpp $<TARGET_OBJECTS:cli_program> ${ARGN} LIBS firn_app)
  target_compile_definitions(${name} PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")
  add_dependencies(${name} firn)
endfunction()

foreach(name cli_test cli_errors_test cli_output_test cli_tables_test cli_finetune_test cli_report_test finetune_accuracy_test
    resume_test more_epochs_test overwrite_test overwrite_kill_test cli_validation_test bench_test cli_study_test cli_study_page_test cli_study_small_test cli_tasks_test learner_test cli_text_test cli_forecast_test advise_test closing_record_test reading_options_test cli_network_test cli_export_test cli_registered_test cli_explain_test watch_test study_spread_test cli_memory_test)
  firn_program_test(${name})
endforeach()
firn_program_test(mpi_test)
firn_program_test(cli_import_test)
foreach(name cli_import_test cli_export_test bench_test)
  target_link_libraries(${name} PRIVATE ZLIB::ZLIB)
endforeach()
firn_program_test(cli_predict_test ${PROJECT_SOURCE_DIR}/tests/data/picture_bytes.cpp)
target_link_libraries(cli_predict_test PRIVATE ZLIB::ZLIB)
set_tests_properties(finetune_accuracy_test overwrite_kill_test mpi_test PROPERTIES LABELS slow COST 1000)
foreach(name cli_parts_test setting_test report_test study_report_test study_store_test study_statistics_test study_verdict_test
    study_answer_test study_budget_test study_features_test run_forecast_test step_values_test step_page_test step_trace_test study_cell_test study_coverage_test cell_file_test lease_test shown_samples_test joint_run_test)
  firn_test(${name} ${name}.cpp LIBS firn_app)
endforeach()

# What comes from outside.
firn_program_test(cli_trust_test)
foreach(name json_read_test hostile_run_test)
  firn_test(${name} ${name}.cpp LIBS firn_app)
endforeach()
foreach(name option_ranges_test cli_numbers_test)
  firn_program_test(${name})
endforeach()
