/* Checkpoints: changes to a small one that is whole. The first byte of an input says what the rest is:
 *   M  the text of a manifest, which gets the checksum it needs
 *   R  lines OLD=NEW: replacements in the manifest of the checkpoint, which then gets its checksum
 *   others: changes of four bytes each, of the file or of the manifest: nothing that differs may be accepted */
#include "fuzz.h"
#include "io/checkpoint.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { STEP = 70, ROWS = 1000, MOST_BYTES = 1 << 16 };
static const char file_name[] = "checkpoint_70.h5", manifest_name[] = "checkpoint_70.json";

typedef struct {
  char *bytes;
  size_t size, capacity;
} blob;
static blob whole_file, whole_manifest;

static const cls_checkpoint_about about = {.step = STEP,
                                           .dt_ms = 0.1,
                                           .seed = 1,
                                           .members = 2,
                                           .job = "simulation: {duration_ms: 10}\n",
                                           .science = "a: {b: [1, 2], c: x}\n",
                                           .job_hash = 3,
                                           .science_hash = 4,
                                           .backend = "/cpu/serial"};

/* ---- the checkpoint ---- */

static blob load(const char *name) {
  blob b = {0};
  FILE *file = fopen(fuzz_path(name), "rb");
  fuzz_require(file, "there is no checkpoint");
  fuzz_require(cls_grow(&b.bytes, &b.capacity, MOST_BYTES, 1, "checkpoint") == CLS_OK, "out of memory");
  b.size = fread(b.bytes, 1, MOST_BYTES, file);
  fclose(file);
  fuzz_require(b.size < MOST_BYTES, "a larger checkpoint than expected");
  return b;
}

static void save_arrays(const cls_keeper *keeper) {
  static float states[2 * ROWS];
  static uint64_t spikes[ROWS];
  uint8_t flags[3] = {1, 2, 3};
  const cls_piece pieces[] = {{0, ROWS / 2, states}, {ROWS / 2, ROWS / 2, states + ROWS}},
                  few = {0, 3, flags};
  for (int i = 0; i < ROWS; i++) states[i] = (float)i, spikes[i] = (uint64_t)i * i;
  const cls_piece all = {0, ROWS, spikes};
  keeper->array(keeper->self, "engine/states", CLS_KEEP_F32, ROWS, 2, "mV", pieces, 2);
  keeper->array(keeper->self, "engine/spikes", CLS_KEEP_U64, ROWS, 1, NULL, &all, 1);
  keeper->array(keeper->self, "record/flags", CLS_KEEP_U8, 3, 1, NULL, &few, 1);
  keeper->array(keeper->self, "record/none", CLS_KEEP_F64, 0, 3, NULL, NULL, 0);
}

static void start(void) {
  cls_checkpoint_writer *writer;
  uint64_t bytes;
  char folder[200];
  snprintf(folder, sizeof folder, "%s", fuzz_path(""));
  folder[strlen(folder) - 1] = 0;
  fuzz_make_hdf5("rates.h5", "/a i4 2 1 2\n", 12);
  fuzz_require(cls_checkpoint_begin(&fuzz_world, folder, &about, &writer) == CLS_OK,
               "no checkpoint can be made");
  save_arrays(cls_checkpoint_keeper(writer));
  fuzz_require(cls_checkpoint_commit(writer, 2, &bytes) == CLS_OK, "no checkpoint can be made");
  cls_checkpoint_end(writer);
  whole_file = load(file_name);
  whole_manifest = load(manifest_name);
}

/* ---- reading ---- */

/* Every array as the manifest has it. */
static void load_arrays(cls_checkpoint *c) {
  const cls_manifest *m = cls_checkpoint_manifest(c);
  const cls_keeper *keeper = cls_checkpoint_loader(c);
  for (size_t i = 0; i < m->n_arrays; i++) {
    const cls_kept_array *a = &m->arrays[i];
    fuzz_require(a->bytes <= m->length, "an array larger than its file");
    char *values = malloc(a->bytes + 1);
    const cls_piece all = {0, a->rows, values};
    fuzz_require(values, "out of memory");
    fuzz_settled(keeper->array(keeper->self, a->name, a->type, a->rows, a->width, NULL, &all, a->rows > 0));
    fuzz_require(keeper->rows(keeper->self, a->name) <= a->rows || i > 0, "another array of that name");
    free(values);
  }
}

static bool opens(void) {
  cls_checkpoint *c = NULL;
  const char *path = fuzz_path(file_name);
  const bool good = fuzz_settled(cls_checkpoint_open(&fuzz_world, path, &c));
  if (good) {
    load_arrays(c);
    fuzz_settled(cls_checkpoint_match(cls_checkpoint_manifest(c), path, &about, "job.yaml"));
  }
  cls_checkpoint_close(c);
  return good;
}

/* A manifest that can be read can be written, and then is the same. */
static void read_manifest(const char *text, size_t size) {
  cls_manifest m = {0}, again = {0};
  char *first = NULL, *second = NULL;
  if (!fuzz_settled(cls_manifest_parse(text, size, manifest_name, &m))) return;
  fuzz_require(cls_manifest_print(&m, &first) == CLS_OK, "a manifest cannot be written");
  fuzz_require(cls_manifest_parse(first, strlen(first), "again", &again) == CLS_OK,
               "a written manifest is none");
  fuzz_require(cls_manifest_print(&again, &second) == CLS_OK && strcmp(first, second) == 0,
               "a manifest changes");
  cls_manifest_free(&m);
  cls_manifest_free(&again);
  free(first);
  free(second);
  fuzz_write(manifest_name, text, size);
  opens();
}

/* ---- manifests with a right checksum ---- */

static void sign_and_read(const char *body, size_t size) {
  char end[64], *text = malloc(size + sizeof end);
  fuzz_require(text, "out of memory");
  snprintf(end, sizeof end, ",\n\t\"checksum\":\t\"%016llx\"\n}\n",
           (unsigned long long)XXH3_64bits(body, size));
  memcpy(text, body, size);
  memcpy(text + size, end, strlen(end));
  read_manifest(text, size + strlen(end));
  free(text);
}

/* The first OLD in the text becomes NEW. */
static void replace(blob *b, char *line) {
  char *divide = strchr(line, '='), *found;
  if (!divide || divide == line) return;
  *divide = 0;
  const char *new = divide + 1;
  const size_t length = strlen(line), more = strlen(new);
  b->bytes[b->size] = 0;
  if (b->size + more >= MOST_BYTES || !(found = strstr(b->bytes, line))) return;
  memmove(found + more, found + length, b->size - (size_t)(found - b->bytes) - length);
  memcpy(found, new, more);
  b->size = b->size - length + more;
}

static void replace_in_manifest(const char *at, const char *end) {
  const char tail[] = ",\n\t\"checksum\"";
  char copy[MOST_BYTES], line[512];
  blob b = {copy, whole_manifest.size, sizeof copy};
  memcpy(copy, whole_manifest.bytes, whole_manifest.size);
  copy[b.size] = 0;
  char *stop = strstr(copy, tail);
  fuzz_require(stop, "a manifest without checksum");
  b.size = (size_t)(stop - copy);
  while ((at = fuzz_line(at, end, line, sizeof line))) replace(&b, line);
  sign_and_read(b.bytes, b.size);
}

/* ---- any change ---- */

static void change(blob *b, const uint8_t *edit) {
  const size_t number = (size_t)edit[1] << 8 | edit[2], place = b->size ? number % b->size : 0;
  const int what = edit[0] >> 1 & 3;
  if (what == 3 && b->size < MOST_BYTES) b->bytes[b->size++] = (char)edit[3];
  if (!b->size) return;
  if (what == 0) b->bytes[place] = (char)((unsigned char)b->bytes[place] ^ 1u << (edit[3] & 7));
  if (what == 1) b->bytes[place] = (char)edit[3];
  if (what == 2) b->size = place;
}

static bool same(const blob *a, const blob *b) {
  return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static void apply_changes(const uint8_t *data, size_t size) {
  static char file[MOST_BYTES], manifest[MOST_BYTES];
  blob f = {file, whole_file.size, MOST_BYTES}, m = {manifest, whole_manifest.size, MOST_BYTES};
  memcpy(file, whole_file.bytes, f.size);
  memcpy(manifest, whole_manifest.bytes, m.size);
  for (; size >= 4; data += 4, size -= 4) change(data[0] & 1 ? &f : &m, data);
  fuzz_write(file_name, f.bytes, f.size);
  fuzz_write(manifest_name, m.bytes, m.size);
  const bool unchanged = same(&f, &whole_file) && same(&m, &whole_manifest), good = opens();
  fuzz_require(good == unchanged,
               good ? "a checkpoint is accepted that was changed" : "a whole checkpoint is refused");
  fuzz_write(file_name, whole_file.bytes, whole_file.size);
}

static void run(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  if (size == 0) return;
  if (text[0] == 'M')
    sign_and_read(text + 1, size - 1);
  else if (text[0] == 'R')
    replace_in_manifest(text + 1, text + size);
  else
    apply_changes(data + 1, size - 1);
}

const fuzz_target fuzz_checkpoint = {"checkpoint", start, run};
