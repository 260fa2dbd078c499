/* callosum import: connectomes of other formats, or synthetic ones, into our HDF5 layout; circuits as jobs. One
 * function for each way to import; a new one is a line in the table at the end. */
#include "io/io.h"
#include "jobs/jobs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One way to import: called on rank 0 with its own arguments, argv[0] being its name. */
typedef struct importer_ importer;
struct importer_ {
  const char *name;
  cls_status (*run)(const importer *self, int argc, char **argv);
  cls_connectome_format format; /* of files of connectomes */
  const char *arguments, *about;
};

/* ---- arguments ---- */

static cls_status parse_count(const char *option, const char *text, uint64_t most, uint64_t *value) {
  char *end = NULL;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  CLS_CHECK(text[0] >= '0' && text[0] <= '9' && !*end && !errno && number <= most, CLS_ERR_INPUT,
            "import: %s: %s: expected a whole number of at most %llu", option, text,
            (unsigned long long)most);
  *value = number;
  return CLS_OK;
}

/* An option whose value is text, or one of `choices` (NULL-terminated), whose number is taken. */
typedef struct {
  const char *name;
  const char **text;
  const char *const *choices;
  int *choice;
} option;

static cls_status parse_choice(const option *o, const char *value) {
  char all[160] = "";
  for (int i = 0; o->choices[i]; i++) {
    if (strcmp(o->choices[i], value) == 0) {
      *o->choice = i;
      return CLS_OK;
    }
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", o->choices[i]);
  }
  return cls_fail(CLS_ERR_INPUT, "import: %s: %s: expected one of: %s", o->name, value, all);
}

/* `files`: how many words without an option before them are taken, at most one; *file is that word. */
static cls_status parse(const importer *self, int argc, char **argv, const option *options, int n, int files,
                        const char **file) {
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] != '-' || !argv[i][1]) {
      CLS_CHECK(files > 0, CLS_ERR_INPUT, "import %s: %s: expected no file", self->name, argv[i]);
      CLS_CHECK(!*file, CLS_ERR_INPUT, "import %s: %s: expected one file, %s was given before", self->name,
                argv[i], *file);
      *file = argv[i];
      continue;
    }
    int k = 0;
    while (k < n && strcmp(options[k].name, argv[i]) != 0) k++;
    CLS_CHECK(k < n, CLS_ERR_INPUT, "import %s: unknown option %s: expected %s", self->name, argv[i],
              self->arguments);
    CLS_CHECK(i + 1 < argc, CLS_ERR_INPUT, "import: %s: expected a value after it", argv[i]);
    const char *value = argv[++i];
    if (options[k].choices)
      CLS_TRY(parse_choice(&options[k], value));
    else
      *options[k].text = value;
  }
  CLS_CHECK(files == 0 || *file, CLS_ERR_INPUT, "import %s: no file given: expected %s", self->name,
            self->arguments);
  return CLS_OK;
}

static cls_status check_out(const char *out) {
  CLS_CHECK(out, CLS_ERR_INPUT, "import: --out FILE.h5 is missing");
  return CLS_OK;
}

/* ---- what was read ---- */

/* Numbers a user should know before simulating: what is unknown or odd, and what a brain makes of it. */
static void describe(const cls_connectome *c) {
  uint64_t self = 0, short_of_length = 0, isolated = 0, unsized = 0, unplaced = 0, units = 0, densities = 0;
  double longest = 0, lengths = 0;
  for (uint32_t i = 0; i < c->n_regions; i++) {
    uint64_t inputs = 0;
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      if (c->source[k] == i) {
        self++;
        continue;
      }
      inputs++;
      lengths += c->length_mm[k];
      if (c->length_mm[k] == 0) short_of_length++;
      if (c->length_mm[k] > longest) longest = c->length_mm[k];
    }
    isolated += inputs == 0;
    unsized += !(c->area_mm2[i] > 0) && !(c->volume_mm3[i] > 0);
    unplaced += isnan(c->centre_mm[i][0]);
    units += c->unit && c->unit[i][0];
    densities += !isnan(c->synapse_density[i]);
  }
  uint64_t tracts = c->row[c->n_regions] - self;
  double n = c->n_regions, pairs = n > 1 ? n * (n - 1) : 1;
  printf("connectome   %s\n", c->origin ? c->origin : "");
  printf("regions      %u\n", c->n_regions);
  printf("tracts       %llu between regions, density %.4g\n", (unsigned long long)tracts,
         (double)tracts / pairs);
  printf("lengths      mean %.4g mm, longest %.4g mm\n", tracts > 0 ? lengths / (double)tracts : 0.0,
         longest);
  if (units > 0) printf("units        of %llu regions\n", (unsigned long long)units);
  if (densities > 0) printf("densities    of synapses of %llu regions\n", (unsigned long long)densities);
  if (self > 0)
    printf("diagonal     %llu tracts from a region to itself: kept here, left out of a brain\n",
           (unsigned long long)self);
  if (isolated > 0)
    printf("no input     %llu regions: local connections only\n", (unsigned long long)isolated);
  if (unsized > 0)
    printf("no size      %llu regions have neither area nor volume\n", (unsigned long long)unsized);
  if (unplaced > 0) printf("no centre    %llu regions\n", (unsigned long long)unplaced);
  if (short_of_length > 0)
    printf("no length    %llu tracts: the distance between the centres is taken, one step without centres\n",
           (unsigned long long)short_of_length);
}

static cls_status write(const char *out, const cls_connectome *connectome, const cls_notes *notes) {
  CLS_TRY(cls_connectome_write(out, connectome));
  describe(connectome);
  for (size_t i = 0; notes && i < notes->n; i++) printf("note         %s\n", notes->lines[i]);
  printf("written      %s\n", out);
  return CLS_OK;
}

/* ---- the ways to import ---- */

static cls_status import_file(const importer *self, int argc, char **argv) {
  static const char *const units[] = {"mm", "cm", "m", NULL};
  static const char *const orientations[] = {"row_is_target", "row_is_source", NULL};
  static const char *const symmetries[] = {"none", "mean", "max", "upper_triangle", NULL};
  static const char *const unassigned[] = {"auto", "keep", "drop", NULL};
  cls_connectome_options o = {.format = self->format};
  const char *file = NULL, *out = NULL;
  int unit = -1, orientation = 0, symmetry = -1, first = 0;
  const option options[] = {{"--out", &out, NULL, NULL},
                            {"--variable", &o.variable, NULL, NULL},
                            {"--lengths", &o.lengths, NULL, NULL},
                            {"--lengths-variable", &o.lengths_variable, NULL, NULL},
                            {"--lengths-unit", NULL, units, &unit},
                            {"--regions", &o.regions, NULL, NULL},
                            {"--orientation", NULL, orientations, &orientation},
                            {"--symmetrise", NULL, symmetries, &symmetry},
                            {"--unassigned", NULL, unassigned, &first}};
  CLS_TRY(parse(self, argc, argv, options, sizeof options / sizeof *options, 1, &file));
  CLS_TRY(check_out(out));
  CLS_CHECK(o.lengths || !o.lengths_variable, CLS_ERR_INPUT,
            "import: --lengths-variable: expected --lengths beside it");
  o.lengths_unit = (cls_length_unit)(unit + 1);
  o.orientation = (cls_matrix_orientation)orientation;
  o.symmetrise = (cls_symmetrise)(symmetry + 1);
  o.unassigned = (cls_unassigned)first;
  cls_connectome *connectome = NULL;
  cls_notes notes = {0};
  cls_status status = cls_connectome_read(file, &o, &notes, &connectome);
  if (status == CLS_OK) status = write(out, connectome, &notes);
  cls_connectome_destroy(connectome);
  cls_notes_free(&notes);
  return status;
}

static cls_status import_generated(const importer *self, int argc, char **argv) {
  const char *out = NULL, *regions = NULL, *seed = NULL, *density = NULL;
  cls_generator generator = cls_generator_default();
  uint64_t count = 0;
  const option options[] = {{"--out", &out, NULL, NULL},
                            {"--regions", &regions, NULL, NULL},
                            {"--seed", &seed, NULL, NULL},
                            {"--density", &density, NULL, NULL}};
  CLS_TRY(parse(self, argc, argv, options, sizeof options / sizeof *options, 0, NULL));
  if (regions) {
    CLS_TRY(parse_count("--regions", regions, UINT32_MAX, &count));
    generator.regions = (uint32_t)count;
  }
  if (seed) CLS_TRY(parse_count("--seed", seed, UINT64_MAX, &generator.seed));
  if (density) {
    char *end = NULL;
    generator.density = strtod(density, &end);
    CLS_CHECK(end != density && !*end, CLS_ERR_INPUT, "import: --density: %s: expected a number", density);
  }
  CLS_TRY(check_out(out));
  cls_connectome *connectome = NULL;
  CLS_TRY(cls_connectome_generate(&generator, &connectome));
  const cls_status status = write(out, connectome, NULL);
  cls_connectome_destroy(connectome);
  return status;
}

/* Reads its arguments by itself. */
static cls_status import_sonata(const importer *self, int argc, char **argv) {
  (void)self;
  return (cls_status)cls_import_sonata(argc, argv);
}

static const importer importers[] = {
    {"tvb", import_file, CLS_FORMAT_TVB, "FILE [options] --out FILE.h5",
     "a zip in the layout of The Virtual Brain"},
    {"matlab", import_file, CLS_FORMAT_MATLAB, "FILE [options] --out FILE.h5",
     "a matrix of a v5 or v7.3 file"},
    {"csv", import_file, CLS_FORMAT_CSV, "FILE [options] --out FILE.h5",
     "a matrix in text: comma, semicolon, tab or white space; names in a header"},
    {"tsv", import_file, CLS_FORMAT_CSV, "FILE [options] --out FILE.h5", "the same"},
    {"mrtrix", import_file, CLS_FORMAT_MRTRIX, "FILE [options] --out FILE.h5",
     "what tck2connectome writes; an upper triangle is mirrored"},
    {"bids", import_file, CLS_FORMAT_BIDS, "FILE [options] --out FILE.h5",
     "*_relmat.tsv: a matrix with names in its header, or a list of entries"},
    {"mtx", import_file, CLS_FORMAT_MTX, "FILE [options] --out FILE.h5", "a Matrix Market coordinate file"},
    {"generate", import_generated, CLS_FORMAT_ANY, "[--regions N] [--seed S] [--density D] --out FILE.h5",
     "a synthetic connectome: two hemispheres, log-normal weights"},
    {"sonata", import_sonata, CLS_FORMAT_ANY, "CONFIG.json --out FOLDER [--simulation SIMULATION.json]",
     "a SONATA circuit, as a folder with a job and its lists of synapses"},
};
enum { N_IMPORTERS = sizeof importers / sizeof *importers };

static void print_usage(FILE *stream) {
  for (int i = 0; i < N_IMPORTERS; i++)
    fprintf(stream, "%s callosum import %-9s%s\n", i ? "      " : "usage:", importers[i].name,
            importers[i].arguments);
  fputs("\nWrites a connectome in Callosum's HDF5 layout, which `brain: {connectome: {file: FILE.h5}}` "
        "reads. The\n"
        "same key reads all these formats too, by content.\n",
        stream);
  for (int i = 0; i < N_IMPORTERS; i++) fprintf(stream, "  %-9s %s\n", importers[i].name, importers[i].about);
  fputs(
      "Options of files:\n"
      "  --lengths FILE           lengths of tracts (a matrix of its own); --lengths-unit mm|cm|m\n"
      "  --regions FILE           table of regions: name, x, y, z, area, volume, hemisphere, cortical, unit, "
      "density\n"
      "  --variable NAME          of a MATLAB file; --lengths-variable NAME\n"
      "  --orientation WHAT       row_is_target (default) or row_is_source\n"
      "  --symmetrise HOW         none (default), mean, max or upper_triangle\n"
      "  --unassigned WHAT        the first row and column of tck2connectome: auto (default), keep or drop\n",
      stream);
}

static cls_status find(const char *name, const importer **found) {
  char all[160] = "";
  CLS_CHECK(name, CLS_ERR_INPUT, "import: no format given (see --help)");
  for (int i = 0; i < N_IMPORTERS; i++) {
    if (strcmp(importers[i].name, name) == 0) {
      *found = &importers[i];
      return CLS_OK;
    }
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", importers[i].name);
  }
  return cls_fail(CLS_ERR_INPUT, "import: unknown format %s, expected one of: %s", name, all);
}

/* Serial: other ranks, if there are any, have nothing to do but agree on the outcome. */
int cls_command_import(int argc, char **argv) {
  int rank = 0;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0) {
      print_usage(stdout);
      return CLS_OK;
    }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  cls_status status = CLS_OK;
  if (rank == 0) {
    const importer *way = NULL;
    status = find(argc > 1 ? argv[1] : NULL, &way);
    if (status == CLS_OK) status = way->run(way, argc - 1, argv + 1);
  }
  status = cls_agree(MPI_COMM_WORLD, status);
  if (status != CLS_OK && rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  return (int)status;
}
