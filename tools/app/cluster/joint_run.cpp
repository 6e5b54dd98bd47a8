#include "tools/app/cluster/joint_run.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/printable.h"
#include "engine/base/sha256.h"
#include "engine/kernels/bf16_rate.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/cluster/measure_link.h"

namespace firn::cli {

namespace {

constexpr auto kPatience = std::chrono::seconds(2);  // with rank 0, which says a fault of all

std::string status_of(Fault fault, const std::string& what) {
  return fmt::format("{} {}", static_cast<int>(fault), what);
}

}  // namespace

std::unique_ptr<JointRun> JointRun::join() {
  if (!launcher().started()) return nullptr;
  auto joint = std::make_unique<JointRun>(open_mpi(launcher()));
  // What is measured may differ from rank to rank, what is chosen by it must not.
  set_unit_rate(std::stod(joint->ranks_->from_first(fmt::format("{}", unit_rate(kernels())))));
  return joint;
}

/// `own` of every rank, on rank 0; on the others nothing but it.
std::vector<std::string> JointRun::gather(const std::string& own) {
  std::vector<std::string> all = {own};
  std::uint64_t size = own.size();
  const auto length = std::as_writable_bytes(std::span(&size, 1));
  if (!first()) {
    ranks_->send(0, length);
    ranks_->send(0, std::as_bytes(std::span(own)));
    ranks_->finish();
  }
  for (int rank = 1; rank < ranks_->ranks() && first(); ++rank) {
    ranks_->receive(rank, length);
    std::string& other = all.emplace_back(size, '\0');
    ranks_->receive(rank, std::as_writable_bytes(std::span(other)));
  }
  return all;
}

/// `status` is "= SETTINGS" or a fault. Rank 0 looks at all, and what it finds is everybody's.
void JointRun::agree(const std::string& status) {
  std::string verdict = status[0] == '=' ? "" : status;
  const std::vector<std::string> all = gather(status);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const std::string& other = all[rank];
    if (!verdict.empty() || other == status) continue;
    const std::string name = fmt::format("rank {} of {}", rank, ranks_->ranks());
    const std::size_t text = other.find(' ') + 1;
    verdict =
        other[0] == '='
            ? status_of(Fault::usage, name +
                                          " has another program, processor, data or settings than rank 0: "
                                          "all must have the same")
            : other.substr(0, text) + name + ": " + other.substr(text);
  }
  verdict = ranks_->from_first(verdict);
  if (verdict.empty()) return;
  agreed_to_end_ = true;
  const std::size_t text = verdict.find(' ') + 1;
  throw Error(static_cast<Fault>(std::stoi(verdict)), "ranks", verdict.substr(text));
}

void JointRun::begin(const std::string& settings) {
  agree("= " + sha256_hex(std::as_bytes(std::span(settings))));
  ++begun_;
}

std::vector<std::string> JointRun::introduce() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const std::vector<std::string> processes = gather(fmt::format("{} on {}", ::getpid(), host));
  const std::string library = ranks_->library();
  const Link link = measure_link(*ranks_);
  std::vector<std::string> lines = {fmt::format("{} processes share each step ({}), {} threads each; {}",
                                                ranks_->ranks(), library, thread_count(), link_text(link))};
  if (library.starts_with("Open MPI")) return lines;
  std::string& line = lines.emplace_back();
  for (std::size_t rank = 0; rank < processes.size(); ++rank)
    line += fmt::format("{}rank {} is process {}", rank == 0 ? "" : ", ", rank, printable(processes[rank]));
  return lines;
}

std::uint64_t JointRun::bytes_sent() {
  std::uint64_t all = ranks_->bytes_sent(), own = all;
  const auto bytes = std::as_writable_bytes(std::span(&own, 1));
  if (!first()) ranks_->send(0, bytes);
  for (int rank = 1; rank < ranks_->ranks() && first(); ++rank) {
    ranks_->receive(rank, bytes);
    all += own;
  }
  ranks_->finish();
  return all;
}

int JointRun::run(const std::function<int()>& work) {
  constexpr int kBegun = 2;
  try {
    const int code = work();
    close(code, "all is written");
    return code;
  } catch (const Interrupted& interrupted) {
    close(128 + interrupted.signal, "stopped by a signal");  // all were stopped at one step
    throw;
  } catch (const Error& error) {
    if (begun_ == kBegun) fail(error.what(), static_cast<int>(error.fault()));
    if (!agreed_to_end_) {
      try {
        agree(status_of(error.fault(), error.what()));
      } catch (const Error&) {
      }
    }
    close(static_cast<int>(error.fault()), printable(error.what()));
    throw;
  } catch (const std::exception& error) {
    fail(error.what(), static_cast<int>(Fault::failure));
  }
}

/// `state`: what the caller would say, in case that MPI does not let it.
void JointRun::close(int code, const std::string& state) {
  ranks_->close(code,
                first() ? fmt::format("firn: {}; MPI does not come to its end, and is left\n", state) : "");
}

void JointRun::fail(const std::string& what, int code) {
  if (!first()) std::this_thread::sleep_for(kPatience);
  write_aloud(fmt::format("firn: rank {} of {}: {}\n", ranks_->rank(), ranks_->ranks(), printable(what)));
  ranks_->abort(code);
  _exit(code);
}

}  // namespace firn::cli
