/* callosum info: what is in a file, and is it whole? */
#include "jobs/info.h"
#include "io/checkpoint.h"
#include "io/checkpoint_folder.h"
#include "jobs/jobs.h"
#include "jobs/text.h"
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: callosum info FILE.h5\n"
                            "Describes an HDF5 file of this program. Of a checkpoint: its step, members and "
                            "arrays, after every byte was\n"
                            "verified; exit code 2 where it is damaged. Of a recording: what it holds, how "
                            "far it goes, and whether it is\n"
                            "complete.\n";

static void print_row(const cls_kept_array *array) {
  char bytes[32], shape[64];
  cls_print_bytes(bytes, sizeof bytes, (double)array->bytes);
  snprintf(shape, sizeof shape, "%llu x %u", (unsigned long long)array->rows, array->width);
  printf("  %-44s %-4s %18s %10s\n", array->name, cls_keep_name(array->type), shape, bytes);
}

static void print_checkpoint(const char *path, const cls_manifest *m, double seconds) {
  char bytes[32];
  uint64_t state = 0;
  cls_print_bytes(bytes, sizeof bytes, (double)m->length);
  printf("checkpoint %s: %s, verified in %.2f s\n", path, bytes, seconds);
  printf("step       %lld (%.10g ms, steps of %g ms), %d member%s, seed %llu\n", (long long)m->step,
         (double)m->step * m->dt_ms, m->dt_ms, m->members, m->members == 1 ? "" : "s",
         (unsigned long long)m->seed);
  printf("job        hash %016llx\n", (unsigned long long)m->job_hash);
  printf("written    by version %s on %d rank%s, %s\n", m->version, m->ranks, m->ranks == 1 ? "" : "s",
         m->backend);
  for (size_t i = 0; i < m->n_recordings; i++)
    printf("recording  %s: %llu bytes then\n", m->recordings[i].name,
           (unsigned long long)m->recordings[i].bytes);
  printf("\n  %-44s %-4s %18s %10s\n", "array", "type", "rows x width", "size");
  for (size_t i = 0; i < m->n_arrays; i++) {
    print_row(&m->arrays[i]);
    state += m->arrays[i].bytes;
  }
  printf("  %zu arrays of %llu bytes; the file has %.2f %% more\n", m->n_arrays, (unsigned long long)state,
         state > 0 ? 100 * ((double)m->length / (double)state - 1) : 0.0);
}

/* Of a run that was killed: its recordings are made readable again. */
static cls_status repair(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = slash ? cls_format("%.*s", (int)(slash - path + 1), path) : cls_format(".");
  int repaired = 0;
  CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for a path");
  const cls_status status = cls_recordings_repair(folder, &repaired);
  free(folder);
  if (repaired > 0)
    printf("the run was killed: %d recording%s put back to the last flush\n", repaired,
           repaired == 1 ? "" : "s");
  return status;
}

static cls_status describe_recording(const char *path) {
  CLS_TRY(repair(path));
  return cls_info_print(path);
}

static cls_status describe(const cls_world *world, const char *path) {
  int64_t step;
  if (!cls_checkpoint_step_of(path, &step))
    return cls_agree(world->comm, world->rank == 0 ? describe_recording(path) : CLS_OK);
  cls_checkpoint *checkpoint = NULL;
  const double begun = cls_seconds();
  CLS_TRY(cls_checkpoint_open(world, path, &checkpoint));
  if (world->rank == 0) print_checkpoint(path, cls_checkpoint_manifest(checkpoint), cls_seconds() - begun);
  cls_checkpoint_close(checkpoint);
  return CLS_OK;
}

int cls_command_info(int argc, char **argv) {
  cls_world world;
  cls_status status = cls_world_init(&world, MPI_COMM_WORLD, 1, 1);
  const bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
  if (help) {
    fputs(world.rank == 0 ? usage : "", stdout);
    return CLS_OK;
  }
  if (status == CLS_OK && argc != 2)
    status = cls_fail(CLS_ERR_INPUT, "info: expected one file (see callosum info --help)");
  if (status == CLS_OK) status = describe(&world, argv[1]);
  if (status == CLS_ERR_IO) status = CLS_ERR_INPUT; /* it could not be read as a whole: it is no good */
  if (status != CLS_OK && world.rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  return status;
}
