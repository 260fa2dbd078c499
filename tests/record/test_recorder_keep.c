/* A recorder that is kept and goes on.
 *   test_recorder_keep                            unit tests on the ranks it is started with
 *   test_recorder_keep DIR MODE BEGIN END KEPT WHAT [HOW]
 * records steps BEGIN ... END - 1 of the made-up run into DIR, layout MODE. BEGIN > 0: it goes on from what is kept in folder
 * KEPT. At END it is kept there or, where that is the end of the run, finished. WHAT: "all"; or all but spikes.h5 and neurons.h5,
 * from what is shown ("some") or as far as is possible from counts ("counts"), as backends hand them over that keep spikes to
 * themselves. HOW: "on" then goes on and is killed after some more flushes.
 *   test_recorder_keep DIR repair                 puts files back to their last flush and prints how many */
#include "io/hdf5_file.h"
#include "io/record_guard.h"
#include "record/keeper_folder.h"
#include "record/synthetic.h"
#include <hdf5.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

/* What such a backend tells of spikes, step by step: counts of every tally, and the spikes of marked neurons. */
static cls_status show_counts(const cls_observer *o, int member, const cls_spikes *spikes) {
  const cls_watch *watch = o->watch;
  cls_status status = CLS_OK;
  for (int64_t step = spikes->begin; step < spikes->end && status == CLS_OK; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin), n = first[1] - first[0];
    uint32_t *marked = calloc(n + 1, sizeof *marked), span[2] = {0, 0};
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t neuron = spikes->neuron[i];
      if (watch->marked[neuron / 64] >> neuron % 64 & 1) marked[span[1]++] = neuron;
    }
    for (int t = 0; t < watch->n_tallies && status == CLS_OK; t++) {
      const cls_tally *tally = &watch->tallies[t];
      uint32_t *count = calloc(tally->n_groups + 1, sizeof *count);
      for (uint32_t i = first[0]; i < first[1] && step >= tally->first; i++) {
        const uint32_t group = tally->group_of_16[spikes->neuron[i] / 16];
        if (group != CLS_NO_GROUP) count[group]++;
      }
      status = tally->haemodynamics ? cls_fail(CLS_ERR_INTERNAL, "regions are expected to be shared by ranks")
                                    : o->counts(o->self, member, t, step / tally->interval, 1, count);
      free(count);
    }
    if (status == CLS_OK) status = o->marked(o->self, member, &(cls_spikes){step, step + 1, marked, span});
    free(marked);
  }
  return status;
}

static bool counting; /* show_counts() in place of spikes */

/* Shows steps [begin, end) in windows that do not respect flushes, and flushes at the end. */
static cls_status show(const synthetic *s, const cls_observer *o, int64_t begin, int64_t end) {
  enum { WINDOW = 7 };
  syn_window w = {0};
  cls_status status = CLS_OK;
  int64_t flushed = begin / o->flush_interval * o->flush_interval;
  for (int64_t from = begin; from < end && status == CLS_OK; from += WINDOW) {
    const int64_t stop = from + WINDOW < end ? from + WINDOW : end;
    for (int m = 0; m < s->job.members && status == CLS_OK; m++) {
      const cls_spikes spikes = syn_fill(s, m, from, stop, &w);
      status = counting ? show_counts(o, m, &spikes) : o->spikes(o->self, m, &spikes);
      for (int64_t step = from; step < stop && status == CLS_OK; step++)
        if (o->next_look(o->self, step) == step + 1) status = syn_look(s, o, m, step);
    }
    for (; flushed + o->flush_interval <= stop && status == CLS_OK; flushed += o->flush_interval)
      status = o->flush(o->self, flushed + o->flush_interval);
  }
  if (status == CLS_OK) status = o->flush(o->self, end);
  free(w.neuron);
  return status;
}

static cls_status start(const synthetic *s, const char *directory, int64_t begin, const char *kept,
                        cls_recorder **recorder) {
  const cls_plastic_lister plastic = {s, syn_list};
  if (begin == 0)
    return cls_recorder_create(&s->world, &s->job, &s->placement, &s->layout, &plastic, directory, s->steps,
                               recorder);
  folder_keeper from;
  folder_keeper_create(&from, s->world.comm, kept, true);
  CLS_TRY(cls_recorder_continue(&s->world, &s->job, &s->placement, &s->layout, &plastic, directory, s->steps,
                                begin, &from.keeper, recorder));
  return cls_recorder_keep(*recorder, NULL, begin, &from.keeper);
}

static cls_status keep(const synthetic *s, cls_recorder *recorder, int64_t step, const char *kept) {
  folder_keeper to;
  folder_keeper_create(&to, s->world.comm, kept, false);
  return cls_recorder_keep(recorder, NULL, step, &to.keeper);
}

static cls_status record_part(synthetic *s, char **argv, cls_recorder **recorder) {
  const int64_t begin = atoll(argv[3]), end = atoll(argv[4]);
  cls_statistics statistics[2];
  CLS_TRY(start(s, argv[1], begin, argv[5], recorder));
  const cls_observer *o = cls_recorder_observer(*recorder);
  CLS_TRY(show(s, o, begin, end));
  if (end < s->steps) {
    CLS_TRY(keep(s, *recorder, end, argv[5]));
    if (!argv[7]) return CLS_OK;
    CLS_TRY(show(s, o, end, end + 1500 < s->steps ? end + 1500 : s->steps));
    MPI_Barrier(s->world.comm);
    raise(SIGKILL);
  }
  CLS_TRY(cls_recorder_finish(*recorder, statistics));
  for (int m = 0; m < 2 && s->world.rank == 0; m++) {
    const cls_statistics t = statistics[m];
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", t.mean_rate_hz, t.isi_cv_median,
           t.spike_correlation_mean, t.fc_mean, t.sc_fc_r, t.fc_seconds, t.rate_min_hz, t.rate_max_hz);
  }
  return CLS_OK;
}

static int record_for_python(char **argv) {
  synthetic s;
  cls_recorder *recorder = NULL;
  syn_create(&s, MPI_COMM_WORLD, atoi(argv[2]));
  s.job.record.spikes.wanted = s.job.record.neurons.wanted = strcmp(argv[6], "all") == 0;
  counting = strcmp(argv[6], "counts") == 0;
  const cls_status status = record_part(&s, argv, &recorder);
  if (status != CLS_OK && status != CLS_ERR_INPUT) {
    fprintf(stderr, "%s\n", cls_error_message());
    MPI_Abort(MPI_COMM_WORLD, (int)status);
  }
  if (status != CLS_OK && s.world.rank == 0) fprintf(stderr, "%s\n", cls_error_message());
  cls_recorder_destroy(recorder);
  syn_destroy(&s);
  return (int)status;
}

static int repair_for_python(const char *directory) {
  int n = 0;
  const cls_status status = cls_recordings_repair(directory, &n);
  if (status != CLS_OK) fprintf(stderr, "%s\n", cls_error_message());
  printf("%d\n", n);
  return (int)status;
}

/* ---- unit tests ---- */

static char directory[64];

static void path_in(char *path, size_t size, const char *name) {
  snprintf(path, size, "%s/%s", directory, name);
}

static size_t read_bytes(const char *name, uint8_t **bytes) {
  char path[128];
  path_in(path, sizeof path, name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  const size_t n = (size_t)ftell(file);
  rewind(file);
  *bytes = malloc(n + 1);
  assert_int_equal(fread(*bytes, 1, n, file), n);
  fclose(file);
  return n;
}

static void remove_all(const char *name) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s/%s", directory, name);
  assert_int_equal(system(command), 0);
}

/* Two series of small chunks, and a number that is overwritten; `rows` are appended to each. */
static void grow_file(const char *path, bool create, uint64_t rows, double number) {
  static const char *const names[] = {"/a/series", "/b/series"};
  hid_t file = -1;
  if (create) {
    assert_int_equal(cls_h5_create(path, &file), CLS_OK);
    assert_int_equal(cls_h5_attribute(file, "/", "number", H5T_NATIVE_DOUBLE, 0, &number), CLS_OK);
    for (int k = 0; k < 2; k++)
      assert_int_equal(cls_h5_series_create(file, names[k], H5T_NATIVE_UINT64, 1, NULL, 16, NULL), CLS_OK);
    assert_int_equal(cls_h5_close(file), CLS_OK);
  }
  assert_int_equal(cls_h5_open_shared(MPI_COMM_SELF, path, &file), CLS_OK);
  uint64_t *values = calloc(rows, sizeof *values);
  for (int k = 0; k < 2; k++) {
    cls_h5_series series;
    assert_int_equal(cls_h5_series_open(MPI_COMM_SELF, file, names[k], H5T_NATIVE_UINT64, &series), CLS_OK);
    for (uint64_t i = 0; i < rows; i++) values[i] = cls_mix64(series.dims[0] + i);
    assert_int_equal(cls_h5_series_append(&series, rows, 0, rows, values), CLS_OK);
    assert_int_equal(cls_h5_series_close(&series), CLS_OK);
  }
  free(values);
  assert_int_equal(cls_h5_attribute_update(file, "number", H5T_NATIVE_DOUBLE, &number), CLS_OK);
  assert_int_equal(cls_h5_flush(file), CLS_OK);
  assert_true(H5Fclose(file) >= 0);
}

static void scribble(const char *path, uint64_t offset, uint64_t n) {
  FILE *file = fopen(path, "r+b");
  assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
  for (uint64_t i = 0; i < n; i++) fputc((int)(i * 37 + 11) & 255, file);
  fclose(file);
}

/* The file is what it was, but for places of rows in its last chunks that it does not have yet. */
static void check_same(const char *name, const uint8_t *before, size_t n, const cls_image *image) {
  uint8_t *after;
  size_t piece = 0, new_bytes = 0;
  assert_int_equal(read_bytes(name, &after), n);
  for (size_t i = 0; i < n; i++) {
    while (piece < image->n && image->offset[piece] + image->length[piece] <= i) piece++;
    if (before[i] == after[i]) continue;
    assert_true(before[i] == 0 && (piece == image->n || i < image->offset[piece]));
    new_bytes++;
  }
  assert_true(new_bytes < 2 * 16 * sizeof(uint64_t));
  free(after);
}

static void check_rows(const char *name, uint64_t rows) {
  char path[128];
  path_in(path, sizeof path, name);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), dataset = H5Dopen2(file, "/b/series", H5P_DEFAULT);
  hid_t space = H5Dget_space(dataset);
  uint64_t *values = calloc(rows, sizeof *values);
  assert_int_equal(H5Sget_simple_extent_npoints(space), rows);
  assert_true(H5Dread(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  for (uint64_t i = 0; i < rows; i++) assert_true(values[i] == cls_mix64(i));
  free(values);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
}

/* A file that grew and was damaged wherever it has no rows is again what it was; its rows are not in the image. */
static void test_image(void **state) {
  (void)state;
  char path[128];
  uint8_t *before;
  cls_image_rows rows = {0};
  cls_image image;
  path_in(path, sizeof path, "image.h5");
  grow_file(path, true, 1000, 1);
  for (int again = 0; again < 3; again++) {
    grow_file(path, false, 777, 2);
    assert_int_equal(cls_image_take(path, &rows, &image), CLS_OK);
    const size_t n = read_bytes("image.h5", &before);
    assert_int_equal(image.size, n);
    assert_true(rows.n == 2 * ((1000 + 777 * (size_t)(again + 1) + 15) / 16));
    assert_true(image.n_bytes + rows.n * 16 * sizeof(uint64_t) == n);
    grow_file(path, false, 3000, 3);
    for (size_t i = 0; i < image.n; i++) scribble(path, image.offset[i], image.length[i]);
    assert_int_equal(cls_image_check(path, &image), CLS_OK);
    assert_int_equal(cls_image_put_back(path, &image), CLS_OK);
    check_same("image.h5", before, n, &image);
    cls_image_rows learnt = {0};
    cls_image other;
    assert_int_equal(cls_image_learn(path, &image, &learnt), CLS_OK);
    assert_int_equal(cls_image_take(path, &learnt, &other), CLS_OK);
    assert_true(other.n == image.n && other.n_bytes == image.n_bytes);
    assert_memory_equal(other.offset, image.offset, image.n * sizeof *image.offset);
    cls_image_free(&other);
    cls_image_rows_free(&learnt);
    check_rows("image.h5", 1000 + 777 * (uint64_t)(again + 1));
    free(before);
    cls_image_free(&image);
  }
  assert_int_equal(cls_image_take(path, &rows, &image), CLS_OK);
  assert_int_equal(truncate(path, 5000), 0);
  assert_int_equal(cls_image_check(path, &image), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "image.h5: 5000 bytes: expected at least"));
  cls_image_free(&image);
  cls_image_rows_free(&rows);
}

static void test_guard(void **state) {
  (void)state;
  char path[128], side[128];
  uint8_t *before;
  cls_image_rows rows = {0};
  cls_image image;
  int n = 0, lock = -1;
  path_in(path, sizeof path, "guarded.h5");
  path_in(side, sizeof side, ".guarded.h5.image");
  grow_file(path, true, 500, 1);
  assert_int_equal(cls_image_take(path, &rows, &image), CLS_OK);
  assert_int_equal(cls_guard_write(path, &image), CLS_OK);
  const size_t length = read_bytes("guarded.h5", &before);
  grow_file(path, false, 500, 2);
  scribble(path, 0, 2000);
  /* Not while somebody records into the folder; nor do two. */
  assert_int_equal(cls_guard_lock(directory, 0, &lock), CLS_OK);
  int other = -1;
  assert_int_equal(cls_guard_lock(directory, 0, &other), CLS_ERR_INPUT);
  assert_int_equal(cls_recordings_repair(directory, &n), CLS_OK);
  assert_int_equal(n, 0);
  close(lock);
  assert_int_equal(cls_recordings_repair(directory, &n), CLS_OK);
  assert_int_equal(n, 1);
  check_same("guarded.h5", before, length, &image);
  check_rows("guarded.h5", 500);
  assert_int_equal(access(side, F_OK), -1);
  assert_int_equal(cls_recordings_repair(directory, &n), CLS_OK);
  assert_int_equal(n, 0);
  /* An image that is not whole is not put back. */
  assert_int_equal(cls_guard_write(path, &image), CLS_OK);
  scribble(side, 300, 1);
  assert_int_equal(cls_recordings_repair(directory, &n), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), ".guarded.h5.image: it is damaged"));
  cls_guard_remove(path);
  free(before);
  cls_image_free(&image);
  cls_image_rows_free(&rows);
}

/* The statistics at the end, of a run in one go or in two; on all ranks there are. */
static void run_to_end(int64_t at, cls_statistics *statistics) {
  char run[128], kept[128];
  synthetic s;
  cls_recorder *recorder = NULL;
  path_in(run, sizeof run, at ? "two" : "one");
  path_in(kept, sizeof kept, "kept");
  syn_create(&s, MPI_COMM_WORLD, 2);
  if (s.world.rank == 0) assert_true(mkdir(run, 0777) == 0 && (at == 0 || mkdir(kept, 0777) == 0));
  MPI_Barrier(MPI_COMM_WORLD);
  if (at > 0) {
    assert_int_equal(start(&s, run, 0, NULL, &recorder), CLS_OK);
    assert_int_equal(show(&s, cls_recorder_observer(recorder), 0, at), CLS_OK);
    assert_int_equal(keep(&s, recorder, at, kept), CLS_OK);
    cls_recorder_destroy(recorder);
  }
  assert_int_equal(start(&s, run, at, kept, &recorder), CLS_OK);
  assert_int_equal(show(&s, cls_recorder_observer(recorder), at, s.steps), CLS_OK);
  assert_int_equal(cls_recorder_finish(recorder, statistics), CLS_OK);
  cls_recorder_destroy(recorder);
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

static void test_two_parts(void **state) {
  (void)state;
  cls_statistics one[2], two[2];
  run_to_end(0, one);
  run_to_end(1777, two);
  for (int m = 0; m < 2; m++) {
    assert_true(one[m].mean_rate_hz == two[m].mean_rate_hz && one[m].rate_min_hz == two[m].rate_min_hz);
    assert_true(one[m].isi_cv_median == two[m].isi_cv_median && one[m].fc_mean == two[m].fc_mean);
    assert_true(one[m].spike_correlation_mean == two[m].spike_correlation_mean);
  }
}

static int test_all(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  strcpy(directory, P_tmpdir "/callosum_keep_XXXXXX");
  if (rank == 0 && !mkdtemp(directory)) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Bcast(directory, sizeof directory, MPI_CHAR, 0, MPI_COMM_WORLD);
  const struct CMUnitTest local[] = {cmocka_unit_test(test_image), cmocka_unit_test(test_guard)},
                          together[] = {cmocka_unit_test(test_two_parts)};
  int result = rank == 0 ? cmocka_run_group_tests(local, NULL, NULL) : 0;
  MPI_Barrier(MPI_COMM_WORLD);
  result += cmocka_run_group_tests(together, NULL, NULL);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) remove_all("");
  return result;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int result = argc > 6 ? record_for_python(argv) : argc > 2 ? repair_for_python(argv[1]) : test_all();
  MPI_Finalize();
  return result;
}
