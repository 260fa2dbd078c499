/* Section `brain.connectome:`: where regions and tracts come from. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *file, *variable, *regions;
  const cls_yaml *generator, *lengths;
  int lengths_unit, orientation, symmetrise, unassigned;
} connectome_fields;

/* In the order of cls_length_unit, cls_matrix_orientation, cls_symmetrise and cls_unassigned; units and
 * symmetrise begin with what is said by leaving the key out. */
static const char *const units[] = {"mm", "cm", "m", NULL};
static const char *const orientations[] = {"row_is_target", "row_is_source", NULL};
static const char *const symmetries[] = {"none", "mean", "max", "upper_triangle", NULL};
static const char *const unassigned[] = {"auto", "keep", "drop", NULL};

static const cls_key connectome_keys[] = {
    {"file", CLS_KEY_TEXT, offsetof(connectome_fields, file),
     .doc =
         "a connectome: The Virtual Brain's zip, our HDF5, MATLAB (v5, v7.3), CSV or TSV (also of MRtrix and "
         "BIDS), Matrix Market; relative to the job file"},
    {"variable", CLS_KEY_TEXT, offsetof(connectome_fields, variable),
     .doc = "of a MATLAB file; left out: its only square matrix"},
    {"lengths", CLS_KEY_ANY, offsetof(connectome_fields, lengths),
     .doc = "file with the lengths of tracts, or {file: PATH, variable: NAME}"},
    {"lengths_unit", CLS_KEY_CHOICE, offsetof(connectome_fields, lengths_unit), .choices = units,
     .doc = "mm where neither this key nor a JSON file beside the lengths says otherwise"},
    {"regions", CLS_KEY_TEXT, offsetof(connectome_fields, regions),
     .doc = "table with a header: name, x, y, z (mm), area (mm2), volume (mm3), hemisphere, cortical, unit, "
            "density"},
    {"orientation", CLS_KEY_CHOICE, offsetof(connectome_fields, orientation), .initial = "row_is_target",
     .choices = orientations, .doc = "what the rows of the file are"},
    {"symmetrise", CLS_KEY_CHOICE, offsetof(connectome_fields, symmetrise), .choices = symmetries,
     .doc =
         "none where left out, but a matrix of one triangle then is refused, and that of tck2connectome is "
         "mirrored"},
    {"unassigned", CLS_KEY_CHOICE, offsetof(connectome_fields, unassigned), .initial = "auto",
     .choices = unassigned,
     .doc =
         "first row and column, of streamlines without a region; auto: dropped where the file says so or has "
         "one row more than the table of regions"},
    {"generator", CLS_KEY_MAP, offsetof(connectome_fields, generator), .doc = "a synthetic connectome"},
};
const cls_schema cls_schema_connectome = {"brain.connectome",
                                          "One of file and generator; the other keys belong to file.",
                                          connectome_keys, CLS_KEYS(connectome_keys)};

static const cls_key lengths_keys[] = {
    {"file", CLS_KEY_TEXT, 0, .required = true, .doc = "file with the lengths of tracts"},
    {"variable", CLS_KEY_TEXT, sizeof(const char *),
     .doc = "of a MATLAB file; left out: its only square matrix"},
};
const cls_schema cls_schema_lengths = {"brain.connectome.lengths", "Or the path alone.", lengths_keys,
                                       CLS_KEYS(lengths_keys)};

typedef struct {
  int64_t regions, seed;
  double density, length_constant_mm, weight_sigma;
} generator_fields;
static const cls_key generator_keys[] = {
    {"regions", CLS_KEY_INTEGER, offsetof(generator_fields, regions), .min = 2, .max = 1e6,
     .doc = "number of regions (76)"},
    {"seed", CLS_KEY_INTEGER, offsetof(generator_fields, seed), .min = 0, .max = 0x1p63,
     .doc = "of the connectome (1)"},
    {"density", CLS_KEY_NUMBER, offsetof(generator_fields, density), .min = 0, .max = 1, .above_min = true,
     .doc = "share of possible tracts that exist (0.3)"},
    {"length_constant_mm", CLS_KEY_NUMBER, offsetof(generator_fields, length_constant_mm), .unit = "mm",
     .min = 0, .max = 1e6, .above_min = true, .doc = "decay of the mean log weight with distance (20)"},
    {"weight_sigma", CLS_KEY_NUMBER, offsetof(generator_fields, weight_sigma), .min = 0, .max = 10,
     .doc = "standard deviation of the log weight about that mean (0.5)"},
};
const cls_schema cls_schema_generator = {"brain.connectome.generator", "Two hemispheres, distance-dependent.",
                                         generator_keys, CLS_KEYS(generator_keys)};

/* A path, or a mapping that holds one and the name of a variable. */
static cls_status read_lengths(cls_job_reader *r, const cls_yaml *node, cls_connectome_choice *choice) {
  const char *fields[2] = {NULL, NULL};
  if (!node) return CLS_OK;
  choice->lengths = node;
  if (node->kind == CLS_YAML_MAP) {
    CLS_TRY(cls_schema_read(r->tree, node, lengths_keys, CLS_KEYS(lengths_keys), fields));
    choice->lengths = cls_yaml_get(node, "file");
  } else {
    CLS_TRY(cls_schema_value(r->tree, node, &lengths_keys[0], &fields[0]));
  }
  choice->options.lengths = fields[0];
  choice->options.lengths_variable = fields[1];
  return CLS_OK;
}

static cls_status read_generator(cls_job_reader *r, const cls_yaml *node, const cls_yaml *generator,
                                 cls_connectome_choice *choice) {
  cls_generator d = cls_generator_default();
  generator_fields g = {d.regions, (int64_t)d.seed, d.density, d.length_constant_mm, d.weight_sigma};
  for (size_t i = 0; i < node->n; i++)
    if (node->items[i] != generator)
      return cls_yaml_fail(node->items[i],
                           "belongs to brain.connectome.file: expected none beside the generator");
  CLS_TRY(cls_schema_read(r->tree, generator, generator_keys, CLS_KEYS(generator_keys), &g));
  choice->node = generator;
  choice->generator =
      (cls_generator){(uint32_t)g.regions, (uint64_t)g.seed, g.density, g.length_constant_mm, g.weight_sigma};
  return CLS_OK;
}

cls_status cls_job_read_connectome(cls_job_reader *r, const cls_yaml *node, cls_connectome_choice *choice) {
  connectome_fields f = {.lengths_unit = -1, .symmetrise = -1};
  CLS_TRY(cls_schema_read(r->tree, node, connectome_keys, CLS_KEYS(connectome_keys), &f));
  if (!f.file == !f.generator)
    return cls_yaml_fail(node, "%s: expected exactly one of file and generator",
                         f.file ? "both keys" : "no key");
  if (f.generator) return read_generator(r, node, f.generator, choice);
  choice->node = cls_yaml_get(node, "file");
  choice->regions = cls_yaml_get(node, "regions");
  choice->file = f.file;
  choice->options = (cls_connectome_options){.variable = f.variable,
                                             .lengths_unit = (cls_length_unit)(f.lengths_unit + 1),
                                             .regions = f.regions,
                                             .orientation = (cls_matrix_orientation)f.orientation,
                                             .symmetrise = (cls_symmetrise)(f.symmetrise + 1),
                                             .unassigned = (cls_unassigned)f.unassigned};
  return read_lengths(r, f.lengths, choice);
}

/* ---- the table itself ---- */

/* The key whose file a message begins with, else that of the connectome. */
static const cls_yaml *blamed(const cls_connectome_choice *choice, const char *lengths, const char *regions) {
  const char *message = cls_error_message();
  if (lengths && strncmp(message, lengths, strlen(lengths)) == 0) return choice->lengths;
  if (regions && strncmp(message, regions, strlen(regions)) == 0) return choice->regions;
  return choice->node;
}

static cls_status read_file(cls_job_reader *r, const cls_connectome_choice *choice, char *paths[3],
                            cls_connectome **connectome) {
  cls_connectome_options options = choice->options;
  cls_notes notes = {0};
  CLS_TRY(cls_job_path(r, choice->node, choice->file, &paths[0]));
  if (options.lengths) CLS_TRY(cls_job_path(r, choice->lengths, options.lengths, &paths[1]));
  if (options.regions) CLS_TRY(cls_job_path(r, choice->regions, options.regions, &paths[2]));
  options.lengths = paths[1];
  options.regions = paths[2];
  cls_status status = cls_connectome_read(paths[0], &options, &notes, connectome);
  for (size_t i = 0; i < notes.n && status == CLS_OK; i++)
    cls_log(r->world, 1, "connectome: %s", notes.lines[i]);
  cls_notes_free(&notes);
  if (status == CLS_OK) return CLS_OK;
  /* The user named the file: that it cannot be read is the job's fault, whatever the reader thought. */
  if (status == CLS_ERR_IO) status = CLS_ERR_INPUT;
  return cls_yaml_prefix(blamed(choice, paths[1], paths[2]), status);
}

static cls_status read_on_root(cls_job_reader *r, const cls_connectome_choice *choice,
                               cls_connectome **connectome) {
  if (!choice->file) {
    cls_status status = cls_connectome_generate(&choice->generator, connectome);
    return status == CLS_OK ? CLS_OK : cls_yaml_prefix(choice->node, status);
  }
  char *paths[3] = {NULL, NULL, NULL};
  const cls_status status = read_file(r, choice, paths, connectome);
  for (int i = 0; i < 3; i++) free(paths[i]);
  return status;
}

cls_status cls_job_fetch_connectome(cls_job_reader *r, const cls_connectome_choice *choice) {
  cls_connectome *connectome = NULL;
  cls_status status = r->world->rank == 0 ? read_on_root(r, choice, &connectome) : CLS_OK;
  status = cls_job_agree_root(r->world, status);
  if (status == CLS_OK) status = cls_connectome_broadcast(&connectome, r->world->comm);
  if (status != CLS_OK) {
    cls_connectome_destroy(connectome);
    return status;
  }
  r->job->connectome = connectome;
  return CLS_OK;
}

/* `*out` holds regions kept[0 ... n-1] (ascending) and the tracts among them; `place` is scratch. */
static cls_status fill_kept(const cls_connectome *all, const uint32_t *kept, uint32_t n, int64_t *place,
                            cls_connectome **out) {
  uint64_t tracts = 0;
  for (uint32_t i = 0; i < all->n_regions; i++) place[i] = -1;
  for (uint32_t i = 0; i < n; i++) place[kept[i]] = i;
  for (uint32_t i = 0; i < n; i++)
    for (uint64_t e = all->row[kept[i]]; e < all->row[kept[i] + 1]; e++) tracts += place[all->source[e]] >= 0;
  CLS_TRY(cls_connectome_create(n, tracts, out));
  CLS_TRY(cls_job_copy(all->origin, &(*out)->origin));
  (*out)->names_made_up = all->names_made_up;
  tracts = 0;
  for (uint32_t i = 0; i < n; i++) {
    CLS_TRY(cls_job_copy(all->names[kept[i]], &(*out)->names[i]));
    CLS_TRY(cls_connectome_copy_region(*out, i, all, kept[i]));
    for (uint64_t e = all->row[kept[i]]; e < all->row[kept[i] + 1]; e++) {
      if (place[all->source[e]] < 0) continue;
      (*out)->source[tracts] = (uint32_t)place[all->source[e]];
      (*out)->weight[tracts] = all->weight[e];
      (*out)->length_mm[tracts++] = all->length_mm[e];
    }
    (*out)->row[i + 1] = tracts;
  }
  return CLS_OK;
}

cls_status cls_job_keep_regions(cls_job *job, const uint32_t *kept, uint32_t n) {
  job->listed_regions = job->connectome->n_regions;
  if (n == job->connectome->n_regions) return CLS_OK;
  CLS_TRY(cls_alloc(&job->kept_regions, n, sizeof *job->kept_regions, "regions kept"));
  memcpy(job->kept_regions, kept, n * sizeof *kept);
  int64_t *place;
  cls_connectome *out = NULL;
  CLS_TRY(cls_alloc(&place, job->connectome->n_regions, sizeof *place, "regions"));
  cls_status status = fill_kept(job->connectome, kept, n, place, &out);
  free(place);
  if (status != CLS_OK) {
    cls_connectome_destroy(out);
    return status;
  }
  cls_connectome_destroy(job->connectome);
  job->connectome = out;
  return CLS_OK;
}
