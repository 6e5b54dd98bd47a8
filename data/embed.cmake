# cmake -DFROM=file -DTO=file.cpp -DNAME=name -P embed.cmake: the bytes of a file as C++ source, so that a program
# carries them on any platform and with any cross compiler.
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "// Made from a data file by data/embed.cmake.
#include <cstddef>

namespace firn {

extern const unsigned char ${NAME}[];
extern const std::size_t ${NAME}_size;
const unsigned char ${NAME}[] = {
${bytes}};
const std::size_t ${NAME}_size = sizeof ${NAME};

}  // namespace firn
")
