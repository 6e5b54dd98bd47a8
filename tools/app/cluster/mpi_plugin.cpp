// firn_mpi.so: the ranks of MPI_COMM_WORLD.
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/app/cluster/mpi_abi.h"

namespace {

constexpr std::size_t kMost = std::size_t{1} << 30;  // bytes of a message: MPI counts in int
constexpr auto kSpin = std::chrono::microseconds(50);

std::vector<MPI_Request> under_way;
char message[MPI_MAX_ERROR_STRING + 1];
char library[MPI_MAX_LIBRARY_VERSION_STRING + 1];

const char* text_of(int code) {
  if (code == MPI_SUCCESS) return nullptr;
  int length = 0;
  MPI_Error_string(code, message, &length);
  return message;
}

/// Waits for a request; polls shortly, then lets others have the core.
int wait_for(MPI_Request& request) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  bool spin = true;
  for (;;) {
    int done = 0;
    const int code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS || done != 0) return code;
    spin = spin && std::chrono::steady_clock::now() < end;
    if (!spin) sched_yield();
  }
}

const char* send(int to, const void* data, std::size_t bytes) {
  for (std::size_t first = 0; first < bytes; first += kMost) {
    const int count = static_cast<int>(std::min(kMost, bytes - first));
    under_way.emplace_back();
    const int code = MPI_Isend(static_cast<const std::byte*>(data) + first, count, MPI_BYTE, to, 0,
                               MPI_COMM_WORLD, &under_way.back());
    if (code != MPI_SUCCESS) return text_of(code);
  }
  return nullptr;
}

const char* receive(int from, void* data, std::size_t bytes) {
  for (std::size_t first = 0; first < bytes; first += kMost) {
    const int count = static_cast<int>(std::min(kMost, bytes - first));
    MPI_Request request;
    int code =
        MPI_Irecv(static_cast<std::byte*>(data) + first, count, MPI_BYTE, from, 0, MPI_COMM_WORLD, &request);
    if (code == MPI_SUCCESS) code = wait_for(request);
    if (code != MPI_SUCCESS) return text_of(code);
  }
  return nullptr;
}

const char* finish() {
  int failed = MPI_SUCCESS;
  for (MPI_Request& request : under_way) {
    const int code = wait_for(request);
    if (failed == MPI_SUCCESS) failed = code;
  }
  under_way.clear();
  return text_of(failed);
}

void end() {
  // MPICH 4.0 over UCX 1.13 and TCP hangs now and then where one rank is still sending: none is behind this.
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Finalize();
}

void end_all(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const char* firn_mpi_open(FirnMpi* out) {
  // Whichever thread of a program's region is free hands things around, one at a time.
  int given = 0;
  const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
  if (code != MPI_SUCCESS) return text_of(code);
  if (given < MPI_THREAD_SERIALIZED) return "it cannot be called from several threads, one at a time";
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int length = 0;
  MPI_Get_library_version(library, &length);
  // "Open MPI v4.1.4, package: ..." or "MPICH Version:\t4.0.2\nMPICH Release ...": the beginning, spaced.
  std::string name;
  for (const char* c = library; *c != '\0' && *c != ',' && *c != '\n'; ++c) {
    const bool gap = *c == ' ' || *c == '\t' || *c == ':';
    if (!gap || (!name.empty() && name.back() != ' ')) name += gap ? ' ' : *c;
  }
  library[name.copy(library, sizeof library - 1)] = '\0';
  *out = {FIRN_MPI_ABI, 0, 1, library, send, receive, finish, end, end_all};
  MPI_Comm_rank(MPI_COMM_WORLD, &out->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &out->ranks);
  return nullptr;
}
