# cmake -DROOT=... -DFILES=a.cpp,b.cpp -DOUTPUT=... -P sources.cmake: writes the function that holds these files' text, for
# `explain --page`, which shows the lines that compute a node.
string(REPLACE "," ";" FILES "${FILES}")
set(text "#include \"tools/app/explain/source_lines.h\"

namespace firn::cli {

std::span<const SourceFile> kept_sources() {
  static constexpr SourceFile all[] = {
")
foreach(file ${FILES})
  file(READ ${ROOT}/${file} content)
  string(APPEND text "{\"${file}\", R\"source~(${content})source~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${text}  };
  return all;
}

}  // namespace firn::cli
")
