#include "tools/app/cluster/mpi_ranks.h"

#include <dlfcn.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "engine/base/error.h"
#include "tools/app/cluster/mpi_abi.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kModule = "firn_mpi.so";

class Loaded final : public MpiRanks {
 public:
  explicit Loaded(const FirnMpi& mpi) : MpiRanks(mpi.rank, mpi.ranks), mpi_(mpi) {}
  std::string library() const override { return mpi_.library; }
  void finish() override { require(mpi_.finish()); }
  void close(int code, const std::string& said) override { mpi_.close(code, said.c_str()); }
  void abort(int code) override {
    mpi_.abort(code);
    _exit(code);
  }

 private:
  void do_send(int to, std::span<const std::byte> data) override {
    require(mpi_.send(to, data.data(), data.size()));
  }
  void do_receive(int from, std::span<std::byte> data) override {
    require(mpi_.receive(from, data.data(), data.size()));
  }
  int do_start_send(int to, std::span<const std::byte> data, int way) override {
    int number = 0;
    require(mpi_.start_send(to, data.data(), data.size(), way, &number));
    return number;
  }
  int do_start_receive(int from, std::span<std::byte> data, int way) override {
    int number = 0;
    require(mpi_.start_receive(from, data.data(), data.size(), way, &number));
    return number;
  }
  bool is_done(int number) override {
    int over = 0;
    require(mpi_.test(number, &over));
    return over != 0;
  }
  static void require(const char* wrong) {
    if (wrong != nullptr) throw Error(Fault::failure, "ranks", wrong);
  }

  const FirnMpi mpi_;
};

/// Empty: there is none.
std::string find_module() {
  if (const char* named = std::getenv("FIRN_MPI"); named != nullptr && *named != '\0') return named;
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const fs::path& folder : {program, program / "../lib/firn"}) {
    if (fs::exists(folder / kModule, code)) return (folder / kModule).string();
  }
  return {};
}

}  // namespace

std::unique_ptr<MpiRanks> open_mpi(const Launcher& launched) {
  const auto wrong = [&](const std::string& what) {
    return Error(Fault::usage, "ranks",
                 fmt::format("{} has started {} processes, and {}", launched.name, launched.ranks, what));
  };
  const std::string path = find_module();
  if (path.empty()) {
    throw wrong(
        fmt::format("this firn was built without MPI: there is no {} beside it (build again with MPI's "
                    "headers installed: libopenmpi-dev or libmpich-dev)",
                    kModule));
  }
  // Open MPI's own parts look for its symbols among the global ones.
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr) throw wrong(dlerror());
  auto* open = reinterpret_cast<FirnMpiOpen*>(dlsym(module, FIRN_MPI_OPEN));
  FirnMpi mpi{};
  if (open == nullptr) throw wrong(path + " is no module of firn");
  if (const char* failed = open(&mpi)) throw wrong(fmt::format("{}: {}", path, failed));
  if (mpi.abi != FIRN_MPI_ABI) throw wrong(path + " is of another version of firn");
  if (mpi.ranks != launched.ranks) {
    mpi.close(static_cast<int>(Fault::usage), "");
    throw wrong(fmt::format("{} ({}) sees {}: both must be of one MPI", path, mpi.library, mpi.ranks));
  }
  return std::make_unique<Loaded>(mpi);
}

}  // namespace firn::cli
