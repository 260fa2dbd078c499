/* callosum import: connectomes of other formats, or synthetic ones, into our HDF5 layout. */
#include "io/io.h"
#include "jobs/jobs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: callosum import tvb FILE --out FILE.h5\n"
    "       callosum import generate [--regions N] [--seed S] [--density D] --out FILE.h5\n"
    "       callosum import sonata CONFIG.json --out FOLDER [--simulation SIMULATION.json]\n"
    "\n"
    "Writes a connectome in Callosum's HDF5 layout, which `brain: {connectome: {file: FILE.h5}}` reads.\n"
    "  tvb       a zip in the layout of The Virtual Brain\n"
    "  generate  a synthetic connectome: two hemispheres, log-normal weights\n"
    "  sonata    a SONATA circuit, as a folder with a job and its lists of synapses\n";

typedef struct {
  const char *format, *file, *out;
  cls_generator generator;
  bool generator_option; /* one of --regions, --seed, --density was given */
} import_options;

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

static cls_status parse_option(import_options *o, const char *option, const char *value) {
  uint64_t count = 0;
  CLS_CHECK(value, CLS_ERR_INPUT, "import: %s: expected a value after it", option);
  if (strcmp(option, "--out") == 0) {
    o->out = value;
    return CLS_OK;
  }
  o->generator_option = true;
  if (strcmp(option, "--regions") == 0) {
    CLS_TRY(parse_count(option, value, UINT32_MAX, &count));
    o->generator.regions = (uint32_t)count;
  } else if (strcmp(option, "--seed") == 0) {
    CLS_TRY(parse_count(option, value, UINT64_MAX, &o->generator.seed));
  } else if (strcmp(option, "--density") == 0) {
    char *end = NULL;
    o->generator.density = strtod(value, &end);
    CLS_CHECK(end != value && !*end, CLS_ERR_INPUT, "import: --density: %s: expected a number", value);
  } else {
    return cls_fail(CLS_ERR_INPUT, "import: unknown option %s\n%s", option, usage);
  }
  return CLS_OK;
}

static cls_status parse_arguments(int argc, char **argv, import_options *o) {
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-' && argv[i][1]) {
      CLS_TRY(parse_option(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL));
      i++;
    } else if (!o->format) {
      o->format = argv[i];
    } else {
      CLS_CHECK(!o->file, CLS_ERR_INPUT, "import: %s: expected one file, %s was given before", argv[i],
                o->file);
      o->file = argv[i];
    }
  }
  CLS_CHECK(o->format, CLS_ERR_INPUT, "import: no format given\n%s", usage);
  bool tvb = strcmp(o->format, "tvb") == 0, generate = strcmp(o->format, "generate") == 0;
  CLS_CHECK(tvb || generate, CLS_ERR_INPUT, "import: unknown format %s, expected tvb, generate or sonata",
            o->format);
  CLS_CHECK(!tvb || o->file, CLS_ERR_INPUT, "import tvb: no file given\n%s", usage);
  CLS_CHECK(!tvb || !o->generator_option, CLS_ERR_INPUT,
            "import tvb: --regions, --seed and --density belong to import generate");
  CLS_CHECK(!generate || !o->file, CLS_ERR_INPUT, "import generate: %s: expected no file", o->file);
  CLS_CHECK(o->out, CLS_ERR_INPUT, "import: --out FILE.h5 is missing\n%s", usage);
  return CLS_OK;
}

/* ---- what was read ---- */

/* Numbers a user should know before simulating: what is unknown or odd, and what a brain makes of it. */
static void describe(const cls_connectome *c) {
  uint64_t self = 0, short_of_length = 0, isolated = 0, unsized = 0, unplaced = 0;
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
  }
  uint64_t tracts = c->row[c->n_regions] - self;
  double n = c->n_regions, pairs = n > 1 ? n * (n - 1) : 1;
  printf("connectome   %s\n", c->origin ? c->origin : "");
  printf("regions      %u\n", c->n_regions);
  printf("tracts       %llu between regions, density %.4g\n", (unsigned long long)tracts,
         (double)tracts / pairs);
  printf("lengths      mean %.4g mm, longest %.4g mm\n", tracts > 0 ? lengths / (double)tracts : 0.0,
         longest);
  if (self > 0)
    printf("diagonal     %llu tracts from a region to itself: kept here, left out of a brain\n",
           (unsigned long long)self);
  if (isolated > 0)
    printf("no input     %llu regions: local connections only\n", (unsigned long long)isolated);
  if (unsized > 0)
    printf("no size      %llu regions have neither area nor volume\n", (unsigned long long)unsized);
  if (unplaced > 0) printf("no centre    %llu regions\n", (unsigned long long)unplaced);
  if (short_of_length > 0)
    printf("no length    %llu tracts: the distance between the centres is taken\n",
           (unsigned long long)short_of_length);
}

static cls_status import(const import_options *o) {
  cls_connectome *connectome = NULL;
  if (strcmp(o->format, "tvb") == 0)
    CLS_TRY(cls_connectome_read(o->file, &connectome));
  else
    CLS_TRY(cls_connectome_generate(&o->generator, &connectome));
  cls_status status = cls_connectome_write(o->out, connectome);
  if (status == CLS_OK) {
    describe(connectome);
    printf("written      %s\n", o->out);
  }
  cls_connectome_destroy(connectome);
  return status;
}

/* Serial: other ranks, if there are any, have nothing to do but agree on the outcome. */
int cls_command_import(int argc, char **argv) {
  import_options options = {.generator = cls_generator_default()};
  int rank = 0;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0) {
      fputs(usage, stdout);
      return CLS_OK;
    }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  cls_status status = CLS_OK;
  if (rank == 0 && argc > 1 && strcmp(argv[1], "sonata") == 0) {
    status = (cls_status)cls_import_sonata(argc - 1, argv + 1);
  } else if (rank == 0) {
    status = parse_arguments(argc, argv, &options);
    if (status == CLS_OK) status = import(&options);
  }
  status = cls_agree(MPI_COMM_WORLD, status);
  if (status != CLS_OK && rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  return (int)status;
}
