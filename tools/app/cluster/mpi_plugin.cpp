// firn_mpi.so: the ranks of MPI_COMM_WORLD.
#include <mpi.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tools/app/cluster/mpi_abi.h"

namespace {

constexpr auto kSpin = std::chrono::microseconds(50);
constexpr auto kLinger = std::chrono::milliseconds(250);
constexpr auto kPatience = std::chrono::seconds(10);

std::vector<MPI_Request> under_way;  // of `send`
std::vector<MPI_Request> started;    // by number
std::vector<int> unused;             // numbers
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

int post_send(int to, const void* data, std::size_t bytes, int way, MPI_Request* request) {
  return MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, to, way, MPI_COMM_WORLD, request);
}

int post_receive(int from, void* data, std::size_t bytes, int way, MPI_Request* request) {
  return MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, from, way, MPI_COMM_WORLD, request);
}

const char* send(int to, const void* data, std::size_t bytes) {
  under_way.emplace_back();
  return text_of(post_send(to, data, bytes, 0, &under_way.back()));
}

const char* receive(int from, void* data, std::size_t bytes) {
  MPI_Request request;
  const int code = post_receive(from, data, bytes, 0, &request);
  return text_of(code == MPI_SUCCESS ? wait_for(request) : code);
}

MPI_Request* new_request(int* number) {
  if (unused.empty()) {
    unused.push_back(static_cast<int>(started.size()));
    started.emplace_back();
  }
  *number = unused.back();
  unused.pop_back();
  return &started[static_cast<std::size_t>(*number)];
}

const char* start_send(int to, const void* data, std::size_t bytes, int way, int* number) {
  MPI_Request* request = new_request(number);
  return text_of(post_send(to, data, bytes, way, request));
}

const char* start_receive(int from, void* data, std::size_t bytes, int way, int* number) {
  MPI_Request* request = new_request(number);
  return text_of(post_receive(from, data, bytes, way, request));
}

const char* test(int number, int* done) {
  const int code = MPI_Test(&started[static_cast<std::size_t>(number)], done, MPI_STATUS_IGNORE);
  if (code == MPI_SUCCESS && *done != 0) unused.push_back(number);
  return text_of(code);
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

/// Lets MPI do what it has still to do for others.
void linger(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    int any = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &any, MPI_STATUS_IGNORE);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// MPICH 4.0 over UCX 1.13 and TCP hangs in MPI_Finalize where a rank ends while another one's connections
/// are still being made or still carry something. The barrier makes those that there are to be, and they come
/// to rest. Where it hangs all the same, the process ends itself: there is nothing left to do.
void end_mpich(int exit_code, std::string said) {
  linger(kLinger);
  MPI_Barrier(MPI_COMM_WORLD);
  linger(kLinger);
  std::thread([exit_code, said = std::move(said)] {
    std::this_thread::sleep_for(kPatience);
    const bool written = write(STDERR_FILENO, said.data(), said.size()) >= 0;
    _exit(written || exit_code != 0 ? exit_code : 1);
  }).detach();
  MPI_Finalize();
}

void end(int exit_code, const char* said) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (std::string_view(library).starts_with("MPICH")) return end_mpich(exit_code, said);
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
  *out = {FIRN_MPI_ABI, 0, 1, library, send, receive, finish, start_send, start_receive, test, end, end_all};
  MPI_Comm_rank(MPI_COMM_WORLD, &out->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &out->ranks);
  return nullptr;
}
