/* What firn_mpi.so gives to the program: the one place that knows MPI is a module of its own, so that firn
 * starts without MPI. Plain C: the module knows nothing of firn. Texts say what went wrong; null: nothing. */
#pragma once

#include <stddef.h>

#define FIRN_MPI_ABI 3

struct FirnMpi {
  int abi, rank, ranks;
  const char* library; /* "Open MPI v4.1.4" */
  /* At most 1 GiB. `data` stays as it is until `finish` returns. */
  const char* (*send)(int to, const void* data, size_t bytes);
  const char* (*receive)(int from, void* data, size_t bytes);
  const char* (*finish)(void);
  /* Return at once, with a number of what is under way; `test` says whether it is over, once. */
  const char* (*start_send)(int to, const void* data, size_t bytes, int way, int* number);
  const char* (*start_receive)(int from, void* data, size_t bytes, int way, int* number);
  const char* (*test)(int number, int* done);
  /* All ranks end together. Where MPI does not come to its end the process ends itself, with the code, after
   * `said` on standard error. */
  void (*close)(int code, const char* said);
  /* This rank ends all of them with a code, and does not return. */
  void (*abort)(int code);
};

/* The name that the module exports, of this type; called once. */
#define FIRN_MPI_OPEN "firn_mpi_open"
typedef const char* FirnMpiOpen(struct FirnMpi* out);
