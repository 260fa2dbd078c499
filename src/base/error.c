/* Errors: one message per thread, and how the ranks of a job come to the same verdict. */
#include "base/base.h"

#include <stdarg.h>
#include <string.h>

enum { MESSAGE_BYTES = 2048 };

/* The only mutable state of the library: a message belongs to the thread whose call failed. */
static _Thread_local char message[MESSAGE_BYTES];

/* The new text is made aside first: its arguments may point into the message it replaces. */
cls_status cls_fail(cls_status code, const char *format, ...) {
  char text[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  memcpy(message, text, strlen(text) + 1);
  return code;
}

const char *cls_error_message(void) { return message; }

cls_status cls_error_prefix(cls_status code, const char *format, ...) {
  char text[2 * MESSAGE_BYTES + 2];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, MESSAGE_BYTES, format, arguments);
  va_end(arguments);
  size_t used = strlen(text);
  snprintf(text + used, sizeof text - used, ": %s", message);
  text[MESSAGE_BYTES - 1] = 0;
  memcpy(message, text, strlen(text) + 1);
  return code;
}

static cls_status check_mpi(int code, const char *call) {
  CLS_CHECK(code == MPI_SUCCESS, CLS_ERR_MPI, "%s failed with MPI error code %d", call, code);
  return CLS_OK;
}

/* Do all ranks say the same? min(h) equals ~min(~h) exactly where all h are equal, so one reduction finds the
 * lowest failing rank and whether status and message are the same everywhere. */
cls_status cls_agree(MPI_Comm comm, cls_status status) {
  int rank, ranks;
  CLS_TRY(check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank"));
  CLS_TRY(check_mpi(MPI_Comm_size(comm, &ranks), "MPI_Comm_size"));
  if (ranks == 1) return status;

  uint64_t verdict = status == CLS_OK ? 0 : cls_mix64(cls_hash_string(message) ^ (uint64_t)status);
  uint64_t mine[3] = {status == CLS_OK ? UINT64_MAX : (uint64_t)rank, verdict, ~verdict}, all[3];
  CLS_TRY(check_mpi(MPI_Allreduce(mine, all, 3, MPI_UINT64_T, MPI_MIN, comm), "MPI_Allreduce"));
  if (all[0] == UINT64_MAX) return CLS_OK;

  struct {
    int status;
    char text[MESSAGE_BYTES];
  } voice = {0};
  int speaker = (int)all[0];
  if (rank == speaker) {
    voice.status = (int)status;
    memcpy(voice.text, message, sizeof voice.text);
  }
  CLS_TRY(check_mpi(MPI_Bcast(&voice, (int)sizeof voice, MPI_BYTE, speaker, comm), "MPI_Bcast"));
  voice.text[MESSAGE_BYTES - 1] = 0;
  bool unanimous = all[1] == ~all[2];
  if (unanimous) return cls_fail((cls_status)voice.status, "%s", voice.text);
  return cls_fail((cls_status)voice.status, "rank %d: %s", speaker, voice.text);
}
