# Fails unless the text of BLOCK stands, line for line, in SOURCE.
file(READ ${BLOCK} block)
file(READ ${SOURCE} source)
string(FIND "\n${source}" "\n${block}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "these lines do not stand in ${SOURCE}:\n${block}")
endif()
