/* The processes of a job and their one voice: rank 0 speaks for all. */
#include "base/base.h"

#include <omp.h>
#include <stdarg.h>

cls_status cls_world_init(cls_world *world, MPI_Comm comm, int threads, int verbosity) {
  CLS_CHECK(comm != MPI_COMM_NULL, CLS_ERR_INTERNAL, "the job's communicator is MPI_COMM_NULL");
  *world = (cls_world){.comm = comm, .rank = 0, .ranks = 1, .threads = threads, .verbosity = verbosity};
  if (threads <= 0) world->threads = omp_get_max_threads();
  int code = MPI_Comm_rank(comm, &world->rank);
  CLS_CHECK(code == MPI_SUCCESS, CLS_ERR_MPI, "MPI_Comm_rank failed with MPI error code %d", code);
  code = MPI_Comm_size(comm, &world->ranks);
  CLS_CHECK(code == MPI_SUCCESS, CLS_ERR_MPI, "MPI_Comm_size failed with MPI error code %d", code);
  return CLS_OK;
}

/* At once, so that lines of several ranks do not mix; flushed, so that a log is current when the job is killed and ordered with
 * standard error. */
static void print_line(FILE *stream, const char *before, const char *format, va_list arguments) {
  char text[8192];
  const int length = vsnprintf(text, sizeof text, format, arguments);
  fprintf(stream, "%s%s%s\n", before, text, length >= (int)sizeof text ? "..." : "");
  fflush(stream);
}

void cls_log(const cls_world *world, int level, const char *format, ...) {
  if (world->rank != 0 || world->verbosity < level) return;
  va_list arguments;
  va_start(arguments, format);
  print_line(stdout, "", format, arguments);
  va_end(arguments);
}

/* A warning is never silenced: it says that the answer may differ from what was meant. */
void cls_warn(const cls_world *world, const char *format, ...) {
  if (world->rank != 0) return;
  va_list arguments;
  va_start(arguments, format);
  print_line(stderr, "warning: ", format, arguments);
  va_end(arguments);
}

void cls_world_node(const cls_world *world, int *rank, int *ranks) {
  MPI_Comm node;
  MPI_Comm_split_type(world->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, rank);
  MPI_Comm_size(node, ranks);
  MPI_Comm_free(&node);
}
