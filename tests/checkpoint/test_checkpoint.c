/* Checkpoints: what is saved is loaded, whoever has it; names and rotation; a disk that is full. Alone, and by
 * test_checkpoint.py under mpirun, where `save DIR STEP PATTERN` and `load FILE PATTERN` do one thing each. */
#include "checkpoint/made_up.h"
#include "io/checkpoint_folder.h"
#include "io/checkpoint_slabs.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static cls_world world;
static char folder[256];

/* ---- a folder of the test's own ---- */

static char *in_folder(const char *name) {
  static char path[2][512];
  static int next;
  next = !next;
  snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
  return path[next];
}

static bool is_there(const char *name) { return access(in_folder(name), F_OK) == 0; }

static void put(const char *name, const char *text) {
  if (world.rank == 0) {
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
  }
  MPI_Barrier(world.comm);
}

static int files_there(void) {
  int n = 0;
  DIR *open = opendir(folder);
  for (struct dirent *entry; (entry = readdir(open));)
    n += entry->d_name[0] != '.' || entry->d_name[1] == 'c';
  closedir(open);
  return n;
}

static int begin(void **state) {
  (void)state;
  if (world.rank == 0) {
    snprintf(folder, sizeof folder, "/tmp/callosum_checkpoint_XXXXXX");
    if (!mkdtemp(folder)) return 1;
  }
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, world.comm);
  put("notes.txt", "0123456789");
  return 0;
}

static int end(void **state) {
  (void)state;
  MPI_Barrier(world.comm);
  char *command = cls_format("rm -rf %s", folder);
  const int code = world.rank == 0 ? system(command) : 0;
  free(command);
  return code;
}

/* ---- arrays ---- */

static void test_any_pattern(void **state) {
  (void)state;
  for (uint64_t pattern = 0; pattern < 4; pattern++) {
    OK(made_save(&world, folder, 4000 + (int64_t)pattern, pattern, 1));
    char name[64];
    snprintf(name, sizeof name, "checkpoint_%d.h5", 4000 + (int)pattern);
    OK(made_load(&world, in_folder(name), pattern + 1));
    OK(made_load(&world, in_folder(name), 0)); /* all of everything, on every rank */
  }
}

static void test_slabs(void **state) {
  (void)state;
  const uint64_t sizes[] = {0, 1, 1 << 20, (1 << 20) + 1, (uint64_t)5 << 20, ((uint64_t)1 << 40) + 7};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int ranks = 1; ranks <= 7; ranks++) {
      assert_int_equal(cls_slab_begin(sizes[s], ranks, 0), 0);
      assert_int_equal(cls_slab_begin(sizes[s], ranks, ranks), sizes[s]);
      for (int r = 0; r < ranks; r++) {
        const uint64_t first = cls_slab_begin(sizes[s], ranks, r),
                       last = cls_slab_begin(sizes[s], ranks, r + 1);
        assert_true(first <= last && (first % CLS_CHECKPOINT_GRAIN == 0 || first == sizes[s]));
        assert_true(last - first <= cls_slab_begin(sizes[s], ranks, 1));
      }
    }
}

static void test_what_does_not_fit(void **state) {
  (void)state;
  cls_checkpoint *checkpoint;
  OK(made_save(&world, folder, 5, 2, 1));
  OK(cls_checkpoint_open(&world, in_folder("checkpoint_5.h5"), &checkpoint));
  const cls_keeper *keeper = cls_checkpoint_loader(checkpoint);
  assert_int_equal(keeper->rows(keeper->self, "engine/weights"), 300001);
  assert_int_equal(keeper->rows(keeper->self, "engine/weight"), 0);
  assert_int_equal(keeper->array(keeper->self, "engine/none", CLS_KEEP_U8, 1, 1, NULL, NULL, 0),
                   CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "engine/none"));
  assert_int_equal(keeper->array(keeper->self, "engine/one", CLS_KEEP_U8, 2, 1, NULL, NULL, 0),
                   CLS_ERR_INPUT);
  assert_int_equal(keeper->array(keeper->self, "engine/one", CLS_KEEP_U8, 1, 2, NULL, NULL, 0),
                   CLS_ERR_INPUT);
  assert_int_equal(keeper->array(keeper->self, "engine/one", CLS_KEEP_I32, 1, 1, NULL, NULL, 0),
                   CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "engine/one has 1 rows of 1 u8: expected 1 rows of 1 i32"));
  OK(keeper->array(keeper->self, "engine/weights", CLS_KEEP_U64, 300001, 1, NULL, NULL, 0)); /* nobody asks */
  cls_checkpoint_close(checkpoint);
}

/* Rows that nobody has would be holes: the run is told, nothing is committed. */
static void test_rows_missing(void **state) {
  (void)state;
  const cls_checkpoint_about about = made_about(6);
  cls_checkpoint_writer *writer;
  uint64_t bytes;
  char values[100] = {0};
  const cls_piece piece = {0, 99, values};
  OK(cls_checkpoint_begin(&world, folder, &about, &writer));
  const cls_keeper *keeper = cls_checkpoint_keeper(writer);
  (void)keeper->array(keeper->self, "engine/holes", CLS_KEEP_U8, 100, 1, NULL, &piece, world.rank == 0);
  assert_int_equal(cls_checkpoint_commit(writer, 1, &bytes), CLS_ERR_INTERNAL);
  assert_non_null(strstr(cls_error_message(), "engine/holes"));
  cls_checkpoint_end(writer);
  MPI_Barrier(world.comm);
  assert_int_equal(files_there(), 1);
}

/* ---- the folder ---- */

static void test_rotation(void **state) {
  (void)state;
  put("checkpoint_1.h5", "of a writer that was killed before its commit");
  put(".checkpoint_2.h5.tmp", "of another");
  put("checkpoint_x.h5", "of somebody else");
  for (int64_t step = 10; step <= 50; step += 10) OK(made_save(&world, folder, step, 2, 2));
  assert_true(is_there("checkpoint_40.json") && is_there("checkpoint_50.json"));
  assert_true(is_there("checkpoint_40.h5") && is_there("checkpoint_50.h5") && is_there("checkpoint_x.h5"));
  assert_int_equal(files_there(), 6);
  MPI_Barrier(world.comm);
  /* A run that went on from before has no use for what was after. */
  OK(made_save(&world, folder, 45, 2, 2));
  assert_false(is_there("checkpoint_50.json") || is_there("checkpoint_50.h5"));
  assert_true(is_there("checkpoint_40.json") && is_there("checkpoint_45.json"));
  MPI_Barrier(world.comm);
  OK(cls_checkpoint_forget(&world, folder, 40));
  assert_false(is_there("checkpoint_45.json") || is_there("checkpoint_45.h5"));
  assert_true(is_there("checkpoint_40.json"));
}

/* The same step once more: the one that is there counts until the new one does. */
static void test_same_step(void **state) {
  (void)state;
  OK(made_save(&world, folder, 10, 2, 2));
  OK(made_save(&world, folder, 10, 3, 2));
  assert_true(is_there("checkpoint_10.2.h5") && !is_there("checkpoint_10.h5"));
  OK(made_load(&world, in_folder("checkpoint_10.2.h5"), 1));
  OK(made_save(&world, folder, 10, 4, 2));
  assert_true(!is_there("checkpoint_10.2.h5") && is_there("checkpoint_10.h5"));
  OK(made_load(&world, in_folder("checkpoint_10.h5"), 1));
}

static void flip(const char *name, long at) {
  if (world.rank == 0) {
    FILE *file = fopen(in_folder(name), "r+");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 4, file);
    fclose(file);
  }
  MPI_Barrier(world.comm);
}

static void test_newest(void **state) {
  (void)state;
  cls_checkpoint *checkpoint;
  OK(cls_checkpoint_newest(&world, folder, &checkpoint));
  assert_null(checkpoint);
  for (int64_t step = 10; step <= 30; step += 10) OK(made_save(&world, folder, step, 2, 3));
  flip("checkpoint_30.h5", 3000000);
  flip("checkpoint_20.json", 100);
  OK(cls_checkpoint_newest(&world, folder, &checkpoint));
  assert_non_null(checkpoint);
  assert_int_equal(cls_checkpoint_manifest(checkpoint)->step, 10);
  cls_checkpoint_close(checkpoint);
  put("notes.txt", "012345678"); /* a recording that lost its end */
  assert_int_equal(cls_checkpoint_newest(&world, folder, &checkpoint), CLS_ERR_INPUT);
  assert_null(checkpoint);
  assert_non_null(strstr(cls_error_message(), "is not damaged, but it or a recording"));
  flip("checkpoint_10.h5", 100); /* that one is: nothing is left to go on from */
  OK(cls_checkpoint_newest(&world, folder, &checkpoint));
  assert_null(checkpoint);
}

static void test_match(void **state) {
  (void)state;
  cls_checkpoint *checkpoint;
  OK(made_save(&world, folder, 10, 2, 3));
  OK(cls_checkpoint_open(&world, in_folder("checkpoint_10.h5"), &checkpoint));
  const cls_manifest *m = cls_checkpoint_manifest(checkpoint);
  cls_checkpoint_about about = made_about(0);
  OK(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"));
  about.science = "populations: [{n: 101, name: E}]\nsimulation: {seed: 7, duration_ms: 1000}\n";
  assert_int_equal(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "populations.0.n: value '100' there, value '101' here"));
  about.science = "populations: [{n: 100, name: E}]\nsimulation: {seed: 7}\n";
  assert_int_equal(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "simulation.duration_ms: value '1000' there, nothing here"));
  about.science = "populations: [{n: 100, name: E}, {}]\nsimulation: {seed: 7, duration_ms: 1000}\n";
  assert_int_equal(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "populations.1: nothing there"));
  about = made_about(0);
  about.science_hash++;
  assert_int_equal(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"), CLS_ERR_INPUT);
  about = made_about(0);
  about.members = 3;
  assert_int_equal(cls_checkpoint_match(m, "c.h5", &about, "j.yaml"), CLS_ERR_INPUT);
  cls_checkpoint_close(checkpoint);
}

/* ---- no space ---- */

static void test_file_size_limit(void **state) {
  (void)state;
  struct rlimit whole, small;
  signal(SIGXFSZ, SIG_IGN);
  OK(made_save(&world, folder, 10, 2, 2));
  getrlimit(RLIMIT_FSIZE, &whole);
  small = whole;
  /* From too small for anything to too small for the last array. */
  for (rlim_t limit = 0; limit <= 11000000; limit += limit < 4096 ? 1024 : 1048576) {
    small.rlim_cur = limit;
    setrlimit(RLIMIT_FSIZE, &small);
    const cls_status status = made_save(&world, folder, 20, 3, 2);
    setrlimit(RLIMIT_FSIZE, &whole);
    assert_int_equal(status, CLS_ERR_IO);
    assert_non_null(strstr(cls_error_message(), folder));
    MPI_Barrier(world.comm);
    assert_int_equal(files_there(), 3);
    MPI_Barrier(world.comm);
  }
  assert_non_null(
      strstr(cls_error_message(), ".checkpoint_20.h5.tmp: cannot reserve 1048577 bytes for recorder/odd"));
  assert_non_null(strstr(cls_error_message(), "File too large"));
  OK(made_load(&world, in_folder("checkpoint_10.h5"), 1));
}

static void test_no_folder(void **state) {
  (void)state;
  assert_int_equal(made_save(&world, "/nowhere/at/all", 10, 2, 2), CLS_ERR_IO);
  assert_non_null(strstr(cls_error_message(), "/nowhere/at/all"));
}

/* ---- one thing each, for test_checkpoint.py ---- */

static int act(int argc, char **argv) {
  cls_status status = CLS_ERR_INPUT;
  if (argc == 5 && strcmp(argv[1], "save") == 0)
    status = made_save(&world, argv[2], atoll(argv[3]), (uint64_t)atoll(argv[4]), 2);
  else if (argc == 4 && strcmp(argv[1], "load") == 0)
    status = made_load(&world, argv[2], (uint64_t)atoll(argv[3]));
  if (status != CLS_OK && world.rank == 0) fprintf(stderr, "%s\n", cls_error_message());
  return status;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (cls_world_init(&world, MPI_COMM_WORLD, 1, -1) != CLS_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slabs),
      cmocka_unit_test(test_no_folder),
      cmocka_unit_test_setup_teardown(test_any_pattern, begin, end),
      cmocka_unit_test_setup_teardown(test_what_does_not_fit, begin, end),
      cmocka_unit_test_setup_teardown(test_rows_missing, begin, end),
      cmocka_unit_test_setup_teardown(test_rotation, begin, end),
      cmocka_unit_test_setup_teardown(test_same_step, begin, end),
      cmocka_unit_test_setup_teardown(test_newest, begin, end),
      cmocka_unit_test_setup_teardown(test_match, begin, end),
      cmocka_unit_test_setup_teardown(test_file_size_limit, begin, end),
  };
  const int failed = argc > 1 ? act(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
