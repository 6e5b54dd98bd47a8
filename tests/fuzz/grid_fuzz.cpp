// Any bytes: they are grids of a study, or refused with Error(data) or Error(usage).
#include "tests/fuzz/fuzz.h"
#include "tools/app/study/grid.h"
#include "tools/app/study/registered.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size, [](auto bytes) {
    try {
      for (const firn::cli::Grid& grid : firn::cli::parse_grids(bytes, "fuzz")) {
        // What was read can be written, and read again.
        const std::string text = firn::cli::grid_json(grid);
        firn::cli::parse_grids(std::as_bytes(std::span(text.data(), text.size())), "again");
      }
    } catch (const firn::Error& error) {
      if (error.fault() != firn::Fault::usage) throw;
    }
    try {
      firn::cli::parse_registration(bytes, "fuzz");
    } catch (const firn::Error& error) {
      if (error.fault() != firn::Fault::usage) throw;
    }
  });
}
