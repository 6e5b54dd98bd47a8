# The tests of the program firn, which they run as it was built.
foreach(name cli_test cli_errors_test cli_finetune_test cli_report_test resume_test)
  firn_test(${name} ${name}.cpp cli_program.cpp LIBS firn::engine nlohmann_json::nlohmann_json)
  target_compile_definitions(${name} PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")
  add_dependencies(${name} firn)
endforeach()
set(parts ${PROJECT_SOURCE_DIR}/tools)
firn_test(bench_test bench_test.cpp cli_program.cpp ${parts}/bench_timing.cpp
          LIBS firn::engine nlohmann_json::nlohmann_json)
target_compile_definitions(bench_test PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")
add_dependencies(bench_test firn)
firn_test(cli_parts_test cli_parts_test.cpp ${parts}/adapt.cpp ${parts}/json.cpp ${parts}/table.cpp
          LIBS firn::data nlohmann_json::nlohmann_json)
set(report ${parts}/report)
firn_test(report_test report_test.cpp ${report}/events.cpp ${report}/heat_map.cpp ${report}/page.cpp
          ${report}/plot.cpp ${report}/png.cpp ${report}/svg.cpp LIBS firn::data OpenSSL::Crypto)
target_include_directories(report_test SYSTEM PRIVATE ${STB_INCLUDE_DIR})
set(study ${parts}/study)
firn_test(study_report_test study_report_test.cpp ${report}/confusion.cpp ${report}/forest.cpp ${report}/heat_map.cpp
          ${report}/page.cpp ${report}/plot.cpp ${report}/png.cpp ${report}/program_picture.cpp
          ${report}/study_charts.cpp ${report}/study_page.cpp ${report}/study_record.cpp ${report}/svg.cpp
          ${study}/arm.cpp ${study}/schema.cpp ${study}/sqlite.cpp ${study}/store.cpp
          LIBS firn::layers firn::data OpenSSL::Crypto SQLite::SQLite3)
target_include_directories(study_report_test SYSTEM PRIVATE ${STB_INCLUDE_DIR})
firn_test(cli_study_test cli_study_test.cpp cli_program.cpp ${parts}/study/sqlite.cpp
          LIBS firn::engine nlohmann_json::nlohmann_json SQLite::SQLite3)
target_compile_definitions(cli_study_test PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")
add_dependencies(cli_study_test firn)
firn_test(advise_test advise_test.cpp cli_program.cpp ${parts}/linear_probe.cpp
          LIBS firn::engine nlohmann_json::nlohmann_json)
target_compile_definitions(advise_test PRIVATE FIRN_PROGRAM="$<TARGET_FILE:firn>")
add_dependencies(advise_test firn)
