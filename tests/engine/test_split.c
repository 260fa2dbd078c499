/* A run in several calls of cls_engine_run() is the run in one: the same digests and the same recordings, dataset
 * by dataset, wherever it was interrupted. The C interface alone: nothing is written and read back in between. On
 * any number of ranks. */
#include "engine/engines.h"
#include "io/io.h"

#include <dirent.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ENDS = 64, PATH_LENGTH = 320 };
typedef struct {
  int64_t end[MOST_ENDS];
  int n;
} ends;
static char root[] = P_tmpdir "/callosum_split_XXXXXX"; /* of all runs */
static const int THREADS = 2;

/* ---- recordings, told apart by hashes (rank 0) ---- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) hash = cls_mix64(hash ^ ((const unsigned char *)bytes)[i]);
  return hash;
}

/* Adds a dataset: its path and its bytes. Texts of any length (names) are left out: they are the job's. */
static herr_t add_dataset(hid_t file, const char *path, const H5O_info_t *info, void *sum) {
  if (info->type != H5O_TYPE_DATASET) return 0;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  if (!H5Tis_variable_str(type)) {
    const size_t bytes = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    unsigned char *values = calloc(bytes + 1, 1);
    assert_non_null(values);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    *(uint64_t *)sum += hash_bytes(hash_bytes(bytes, path, strlen(path)), values, bytes);
    free(values);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  return 0;
}

static uint64_t hash_file(const char *folder, const char *name) {
  char path[2 * PATH_LENGTH];
  uint64_t sum = 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) fail_msg("%s: cannot be opened", path);
  assert_true(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, add_dataset, &sum) >= 0);
  H5Fclose(file);
  return sum;
}

/* Every file of one folder is in the other with the same data. Returns their number. */
static int compare_folders(const char *folder, const char *reference, const char *what) {
  DIR *listing = opendir(reference);
  int n = 0;
  assert_non_null(listing);
  for (const struct dirent *entry; (entry = readdir(listing));) {
    if (!strstr(entry->d_name, ".h5")) continue;
    if (hash_file(folder, entry->d_name) != hash_file(reference, entry->d_name))
      fail_msg("%s: %s is not that of the run in one", what, entry->d_name);
    n++;
  }
  closedir(listing);
  return n;
}

static void remove_folder(const char *folder) {
  char path[2 * PATH_LENGTH];
  DIR *listing = opendir(folder);
  for (const struct dirent *entry; listing && (entry = readdir(listing));) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    remove(path); /* not "." and ".." */
  }
  if (listing) closedir(listing);
  rmdir(folder);
}

/* ---- runs ---- */

static cls_job *load(const char *file, const char *const *set, int n_set) {
  cls_world world;
  cls_job *job = NULL;
  OK(cls_world_init(&world, MPI_COMM_WORLD, THREADS, 0));
  OK(cls_job_load(&world, file, set, n_set, &job));
  return job;
}

static cls_status list_plastic(const void *engine, uint32_t projection, cls_plastic_synapse **list,
                               size_t *n) {
  return cls_engine_plastic(engine, projection, list, n);
}

/* Runs a job from end to end into `folder`, recording; digest[members]. Returns the number of spikes. */
static uint64_t run_through(const cls_job *job, const cls_backend *backend, const ends *e, const char *folder,
                            uint64_t *digest) {
  const int members = job->members;
  simulation *s = start(job->network, (options){.comm = MPI_COMM_WORLD,
                                                .backend = backend,
                                                .threads = THREADS,
                                                .members = members,
                                                .beat_ms = job->beat_ms});
  cls_recorder *recorder = NULL;
  cls_statistics *statistics = NULL;
  OK(cls_alloc(&statistics, (size_t)members, sizeof *statistics, "statistics"));
  if (s->world.rank == 0) assert_int_equal(mkdir(folder, 0777), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  const cls_plastic_lister plastic = {s->engine, list_plastic};
  OK(cls_recorder_create(&s->world, job, s->placement, cls_engine_layout(s->engine), &plastic, folder,
                         e->end[e->n - 1], &recorder));
  OK(cls_engine_observe(s->engine, cls_recorder_observer(recorder)));
  for (int i = 0; i < e->n; i++) run_to(s, e->end[i]);
  OK(cls_recorder_finish(recorder, statistics));
  cls_recorder_destroy(recorder);
  for (int m = 0; m < members; m++) digest[m] = digest_of(s, m);
  cls_engine_report report;
  cls_engine_measure(s->engine, &report);
  const uint64_t spikes = over_ranks(s, report.spikes);
  stop(s);
  free(statistics);
  MPI_Barrier(MPI_COMM_WORLD);
  return spikes;
}

static ends at(int n, const int64_t *end) {
  ends e = {.n = n};
  memcpy(e.end, end, (size_t)n * sizeof *end);
  return e;
}
#define AT(...) at((int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

static ends every(int64_t step, int64_t last) {
  ends e = {.n = 0};
  for (int64_t end = step; end < last; end += step) e.end[e.n++] = end;
  e.end[e.n++] = last;
  assert_true(e.n <= MOST_ENDS);
  return e;
}

/* All splits of a job on both backends; `files` are recorded. */
static void check_splits(const cls_job *job, const ends *split, int n_splits, int64_t last, int files) {
  enum { MEMBERS = 2 };
  uint64_t whole[MEMBERS], digest[MEMBERS];
  char reference[PATH_LENGTH], folder[PATH_LENGTH], what[PATH_LENGTH];
  int rank;
  assert_true(job->members <= MEMBERS);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(reference, sizeof reference, "%s/whole", root);
  snprintf(folder, sizeof folder, "%s/split", root);
  const ends one = AT(last);
  assert_in_range(run_through(job, backends[1], &one, reference, whole), 500, UINT64_MAX);
  for (int i = 0; i < n_splits; i++)
    for (int b = 0; b < BACKENDS; b++) {
      run_through(job, backends[b], &split[i], folder, digest);
      snprintf(what, sizeof what, "split %d from step %lld on, %s", i, (long long)split[i].end[0],
               backends[b]->name);
      for (int m = 0; m < job->members; m++)
        if (digest[m] != whole[m]) fail_msg("%s: member %d has another digest", what, m);
      if (rank == 0) {
        assert_int_equal(compare_folders(folder, reference, what), files);
        remove_folder(folder);
      }
      MPI_Barrier(MPI_COMM_WORLD);
    }
  if (rank == 0) remove_folder(reference);
}

/* A brain that records all there is, two members, tracts scaled and a parameter changed at step 603. The warm-up
 * ends at step 500, where a volume of BOLD is complete, too; a beat is 70 steps. */
static void test_brain(void **state) {
  (void)state;
  static const char *const set[] = {"simulation.duration_ms=120", "simulation.members=2",
                                    "simulation.beat_ms=7",
                                    "interventions=[{at_ms: 60.3, receptor: AMPA, factor: 1.2}, {at_ms: "
                                    "60.3, tracts: {from: '*', onto: '*'}, "
                                    "factor: 0.5}]"};
  cls_job *job = load("tests/system/jobs/small.yaml", set, 4);
  enum { LAST = 1200 };
  const ends splits[] = {AT(777, LAST),                     /* within a window, an odd step */
                         AT(1, 2, 3, LAST),                 /* step by step */
                         AT(0, 70, 70, 139, 141, LAST),     /* nothing to do; at and beside a beat */
                         AT(499, 500, 501, LAST),           /* about the warm-up and a volume */
                         AT(602, 603, 604, LAST - 1, LAST), /* about the interventions; the last step */
                         every(37, LAST)};
  check_splits(job, splits, (int)(sizeof splits / sizeof *splits), LAST, 8);
  cls_job_destroy(job);
}

/* Every neuron model, delays from one step on. */
static void test_models(void **state) {
  (void)state;
  static const char *const set[] = {"simulation.duration_ms=80",
                                    "record={warmup_ms: 10, spikes: all, neurons: all}"};
  cls_job *job = load("jobs/examples/models.yaml", set, 2);
  enum { LAST = 800 };
  const ends splits[] = {AT(333, LAST), every(13, LAST)};
  check_splits(job, splits, (int)(sizeof splits / sizeof *splits), LAST, 2);
  cls_job_destroy(job);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_brain), cmocka_unit_test(test_models)};
  int rank, failed;
  start_mpi(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0 && !mkdtemp(root)) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Bcast(root, sizeof root, MPI_CHAR, 0, MPI_COMM_WORLD);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1); /* other ranks may wait for this one */
  if (rank == 0) rmdir(root);
  stop_mpi();
  return 0;
}
