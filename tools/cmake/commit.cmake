# cmake -DSOURCE=... -DOUTPUT=... -P commit.cmake: writes the function that names the commit of the sources.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
file(WRITE ${OUTPUT} "#include \"tools/app/cli/version.h\"

namespace firn::cli {

std::string commit() {
  return \"${commit}\";
}

}  // namespace firn::cli
")
