/* A checkpoint that is damaged: whatever byte is changed, cut off or added, it is refused by name; and manifests that are
 * whole but make no sense. */
#include "checkpoint/made_up.h"
#include "io/file.h"
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static cls_world world;
static char folder[256], file[300], manifest[300];
static cls_manifest known;
static int mutations;

static int begin(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  snprintf(folder, sizeof folder, "/tmp/callosum_damage_XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(file, sizeof file, "%s/checkpoint_4000.h5", folder);
  snprintf(manifest, sizeof manifest, "%s/checkpoint_4000.json", folder);
  char *notes = cls_format("%s/notes.txt", folder);
  FILE *recording = fopen(notes, "w");
  fputs("0123456789", recording);
  fclose(recording);
  free(notes);
  OK(made_save(&world, folder, 4000, 2, 1));
  OK(cls_file_read(manifest, "manifest", 1 << 20, &text, &size));
  OK(cls_manifest_parse(text, size, manifest, &known));
  free(text);
  return 0;
}

static int end(void **state) {
  (void)state;
  char *command = cls_format("rm -rf %s", folder);
  const int code = system(command);
  free(command);
  cls_manifest_free(&known);
  print_message("%d mutations, each refused\n", mutations);
  return code;
}

/* Refused, and the message holds all of `words`. */
static void refused(const char *a, const char *b) {
  cls_checkpoint *checkpoint;
  cls_status status = cls_checkpoint_open(&world, file, &checkpoint);
  if (status == CLS_OK) {
    status = cls_checkpoint_check_recordings(checkpoint);
    cls_checkpoint_close(checkpoint);
    checkpoint = NULL;
  }
  if (status == CLS_OK) fail_msg("accepted: %s, %s", a, b);
  assert_null(checkpoint);
  if (!strstr(cls_error_message(), a) || !strstr(cls_error_message(), b))
    fail_msg("'%s' does not say '%s' and '%s'", cls_error_message(), a, b);
  mutations++;
}

static void flip(const char *path, uint64_t at, int with) {
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  fseeko(f, (off_t)at, SEEK_SET);
  const int byte = fgetc(f);
  fseeko(f, (off_t)at, SEEK_SET);
  fputc(byte ^ with, f);
  fclose(f);
}

static void flipped(const char *path, uint64_t at, const char *a, const char *b) {
  const int with = 1 << at % 8;
  flip(path, at, with);
  refused(a, b);
  flip(path, at, with);
}

/* ---- the file ---- */

static void test_arrays(void **state) {
  (void)state;
  for (size_t i = 0; i < known.n_arrays; i++) {
    const cls_kept_array *array = &known.arrays[i];
    char name[128];
    snprintf(name, sizeof name, "%s: MiB", array->name);
    for (uint64_t k = 0; array->bytes > 0 && k < 12; k++)
      flipped(file, array->offset + (array->bytes - 1) * k / 11, "checkpoint_4000.h5", name);
  }
  flipped(file, known.arrays[2].offset + (2 << 20) + 5, known.arrays[2].name, "MiB 3 of 3 differs");
}

static void test_rest(void **state) {
  (void)state;
  for (size_t i = 0; i < known.n_rest; i++)
    for (uint64_t k = 0; k < 40; k++)
      flipped(file, known.rest[i].offset + (known.rest[i].bytes - 1) * k / 39, "checkpoint_4000.h5",
              "HDF5's own bytes");
}

static void test_lengths(void **state) {
  (void)state;
  char said[64];
  snprintf(said, sizeof said, "its manifest says %llu", (unsigned long long)known.length);
  for (uint64_t k = 0; k < 40; k++) {
    char *saved = cls_format("cp %s %s.saved", file, file), *back = cls_format("mv %s.saved %s", file, file);
    assert_int_equal(system(saved), 0);
    const uint64_t length = k < 30 ? known.length * k / 30 : known.length + (1ull << (k - 30));
    assert_int_equal(truncate(file, (off_t)length), 0);
    refused("checkpoint_4000.h5", said);
    assert_int_equal(system(back), 0);
    free(saved);
    free(back);
  }
}

/* ---- the manifest ---- */

static void test_manifest_bytes(void **state) {
  (void)state;
  struct stat info;
  assert_int_equal(stat(manifest, &info), 0);
  const uint64_t size = (uint64_t)info.st_size;
  for (uint64_t k = 0; k < 150; k++)
    flipped(manifest, (size - 1) * k / 149, "checkpoint_4000.json", "differs from its checksum");
}

static void put(const char *path, const char *text, size_t size) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, size, f), size);
  fclose(f);
}

static void test_manifest_lengths(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  OK(cls_file_read(manifest, "manifest", 1 << 20, &text, &size));
  for (size_t k = 0; k < 40; k++) {
    put(manifest, text, size * k / 40);
    refused("checkpoint_4000.json", "checksum");
  }
  put(manifest, text, size + 1); /* a zero byte behind it */
  refused("checkpoint_4000.json", "checksum");
  put(manifest, text, size);
  free(text);
}

/* A manifest with `from` replaced by `to` and a right checksum. */
static void rewritten(const char *from, const char *to, const char *expected) {
  char *text = NULL;
  size_t size;
  OK(cls_file_read(manifest, "manifest", 1 << 20, &text, &size));
  char *place = strstr(text, from);
  if (!place) fail_msg("%s is not in the manifest", from);
  char *body = cls_format("%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
  char *last = strstr(body, ",\n\t\"checksum\"");
  assert_non_null(last);
  *last = 0;
  char *forged = cls_format("%s,\n\t\"checksum\":\t\"%016llx\"\n}\n", body,
                            (unsigned long long)XXH3_64bits(body, strlen(body)));
  put(manifest, forged, strlen(forged));
  refused("checkpoint_4000", expected);
  put(manifest, text, size);
  free(forged);
  free(body);
  free(text);
}

static void test_manifests_that_lie(void **state) {
  (void)state;
  char length[64], other[64];
  snprintf(length, sizeof length, "\"length\":\t%llu", (unsigned long long)known.length);
  snprintf(other, sizeof other, "\"length\":\t%llu", (unsigned long long)known.length + 1);
  rewritten(length, other, "rest[");
  rewritten(length, "\"length\":\t1", "arrays: expected arrays within the file");
  rewritten(length, "\"length\":\t-1", "length: expected a whole number");
  rewritten(length, "\"length\":\t1.5", "length: expected a whole number");
  rewritten(length, "\"length\":\t1e300", "length: expected a whole number");
  rewritten(length, "\"length\":\tnull", "length: expected a whole number");
  rewritten("\"format\":\t1", "\"format\":\t2", "format: 2: this version reads format 1");
  rewritten("\"step\"", "\"stop\"", "step: expected a value");
  rewritten("\"step\":\t4000", "\"step\":\t4000, \"more\": 1", "no other keys");
  rewritten("\"checkpoint_4000.h5\"", "\"../checkpoint_4000.h5\"", "file: expected the name of a file");
  rewritten("\"checkpoint_4000.h5\"", "\"checkpoint_40.h5\"", "that of another file");
  rewritten("\"checkpoint_4000.h5\"", "4000", "file: expected a text");
  rewritten("\"f32\"", "\"f33\"", "arrays[0].type: expected u8");
  rewritten("\"rows\":\t100003", "\"rows\":\t100004", "arrays[2].bytes: expected the product");
  rewritten("\"rows\":\t100003", "\"rows\":\t9007199254740992", "arrays[2].bytes: expected the product");
  rewritten("\"width\":\t7", "\"width\":\t0", "arrays[2].width: expected at least 1");
  rewritten("\"width\":\t7", "\"width\":\t[7]", "arrays[2].width: expected a whole number");
  rewritten("\"sums\":\t\"\"", "\"sums\":\t\"0\"", "arrays[0].sums: expected 16 hexadecimal digits");
  rewritten("\"sum\":\t\"", "\"sum\":\t\"x", "rest[0].sum: expected 16 hexadecimal digits");
  rewritten("\"notes.txt\"", "\"/etc/notes.txt\"", "recordings[0].name: expected the name of a file");
  rewritten("\"bytes\":\t10\n", "\"bytes\":\t11\n", "notes.txt beside it has 10 bytes, it had 11");
  rewritten("\"recordings\":\t[", "\"recordings\":\t[{}, ", "recordings[0]");
  rewritten("\"dt_ms\":\t0.1", "\"dt_ms\":\t-0.1", "dt_ms: expected a positive number");
  rewritten("\"seed\":\t\"0", "\"seed\":\t\"G", "seed: expected 16 hexadecimal digits");
  rewritten("{\n", "[{\n", "expected the JSON text");
}

/* ---- what is not there ---- */

static void test_missing(void **state) {
  (void)state;
  char *moved = cls_format("%s.moved", file);
  assert_int_equal(rename(file, moved), 0);
  refused("checkpoint_4000.h5", "cannot be opened");
  assert_int_equal(mkdir(file, 0777), 0);
  refused("checkpoint_4000.h5", "is no file");
  assert_int_equal(rmdir(file), 0);
  assert_int_equal(rename(moved, file), 0);
  free(moved);
  moved = cls_format("%s.moved", manifest);
  assert_int_equal(rename(manifest, moved), 0);
  refused("checkpoint_4000.json", "cannot be opened");
  assert_int_equal(rename(moved, manifest), 0);
  free(moved);
  cls_checkpoint *checkpoint;
  assert_int_equal(cls_checkpoint_open(&world, manifest, &checkpoint), CLS_ERR_INPUT);
}

/* After all that it is what it was. */
static void test_whole(void **state) {
  (void)state;
  OK(made_load(&world, file, 0));
  assert_true(mutations >= 200);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (cls_world_init(&world, MPI_COMM_WORLD, 1, -1) != CLS_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arrays),           cmocka_unit_test(test_rest),
      cmocka_unit_test(test_lengths),          cmocka_unit_test(test_manifest_bytes),
      cmocka_unit_test(test_manifest_lengths), cmocka_unit_test(test_manifests_that_lie),
      cmocka_unit_test(test_missing),          cmocka_unit_test(test_whole),
  };
  const int failed = cmocka_run_group_tests(tests, begin, end);
  MPI_Finalize();
  return failed;
}
