/* Connectomes by content, and what stands beside them. The first byte of an input chooses options, the rest is the file. */
#include "fuzz.h"
#include "io/connectome_files.h"
#include "io/empirical.h"
#include "io/matrix_file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char table[] =
    "name\tx\ty\tz\tarea\themisphere\nA\t1\t2\t3\t10\tL\nB\t4\t5\t6\t20\tR\nC\t7\t8\t9\t30\tL\n";

/* A connectome that was read must be one that can be written and read again. */
static void write_again(const cls_connectome *c) {
  cls_connectome *again = NULL;
  const char *path = fuzz_path("again.h5");
  fuzz_require(cls_connectome_write(path, c) == CLS_OK, "what was read cannot be written");
  fuzz_require(cls_connectome_read(path, NULL, NULL, &again) == CLS_OK, "what was written cannot be read");
  fuzz_require(again->n_regions == c->n_regions, "what was written is another connectome");
  cls_connectome_destroy(again);
}

static void read_it(const char *path, const cls_connectome_options *options) {
  cls_connectome *c = NULL;
  cls_notes notes = {0};
  if (fuzz_settled(cls_connectome_read(path, options, &notes, &c))) {
    fuzz_require(c && cls_connectome_check(c) == CLS_OK, "a connectome that was read is none");
    if (c->n_regions < 16) write_again(c);
  } else {
    fuzz_require(!c, "a connectome is handed out that was refused");
    fuzz_require(strstr(cls_error_message(), fuzz_path("")) != NULL, "the file is not named");
  }
  cls_connectome_destroy(c);
  cls_notes_free(&notes);
}

/* ---- matrices ---- */

static void start(void) { fuzz_write_text("table.tsv", table); }

static void run(const uint8_t *data, size_t size) {
  static const char *const names[] = {"c.csv", "c.tsv", "c.mat", "c_relmat.tsv"};
  const uint8_t choice = size > 0 ? data[0] : 0;
  const bool with_table = choice & 4, with_lengths = choice & 8;
  if (size == 0) return;
  char path[200], other[200];
  snprintf(path, sizeof path, "%s", fuzz_write(names[choice & 3], data + 1, size - 1));
  snprintf(other, sizeof other, "%s", fuzz_path("table.tsv"));
  read_it(path, &(cls_connectome_options){.regions = with_table ? other : NULL,
                                          .lengths = with_lengths ? path : NULL,
                                          .orientation = choice & 16 ? CLS_ROW_IS_SOURCE : CLS_ROW_IS_TARGET,
                                          .symmetrise = (cls_symmetrise)((choice >> 5) % 5)});
  unlink(path);
}

const fuzz_target fuzz_connectome = {"connectome", start, run};

/* ---- tables of regions, and descriptions of lengths: NAME.json beside NAME.tsv ---- */

static void start_regions(void) {
  fuzz_write_text("matrix.csv", "A,B,C\n0,1,2\n1,0,3\n2,3,0\n");
  fuzz_write_text("plain.csv", "0,1,2\n1,0,3\n2,3,0\n");
  fuzz_write_text("lengths.tsv", "0\t10\t20\n10\t0\t30\n20\t30\t0\n");
}

static void run_regions(const uint8_t *data, size_t size) {
  char matrix[200], regions[200], lengths[200];
  fuzz_part part[2];
  if (size == 0) return;
  fuzz_split(data + 1, size - 1, part, 2);
  const bool described = part[1].size > 0;
  snprintf(matrix, sizeof matrix, "%s", fuzz_path(data[0] & 1 ? "matrix.csv" : "plain.csv"));
  snprintf(lengths, sizeof lengths, "%s", fuzz_path("lengths.tsv"));
  snprintf(regions, sizeof regions, "%s",
           fuzz_write(data[0] & 2 ? "regions.tsv" : "regions.csv", part[0].text, part[0].size));
  fuzz_write("lengths.json", part[1].text, part[1].size);
  read_it(matrix, &(cls_connectome_options){.regions = regions, .lengths = described ? lengths : NULL});
}

const fuzz_target fuzz_regions = {"regions", start_regions, run_regions};
