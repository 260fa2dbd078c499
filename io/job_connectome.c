/* Section `brain.connectome:`: where regions and tracts come from. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *file;
  const cls_yaml *generator;
} connectome_fields;
static const cls_key connectome_keys[] = {
    {"file", CLS_KEY_TEXT, offsetof(connectome_fields, file),
     .doc = "a connectome in a format that callosum import reads; relative to the job file"},
    {"generator", CLS_KEY_MAP, offsetof(connectome_fields, generator), .doc = "a synthetic connectome"},
};
const cls_schema cls_schema_connectome = {"brain.connectome", "Exactly one of its keys.", connectome_keys,
                                          CLS_KEYS(connectome_keys)};

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
     .min = 0, .max = 1e6, .above_min = true, .doc = "decay of the mean log weight with distance (30)"},
    {"weight_sigma", CLS_KEY_NUMBER, offsetof(generator_fields, weight_sigma), .min = 0, .max = 10,
     .doc = "standard deviation of the log weight (1)"},
};
const cls_schema cls_schema_generator = {"brain.connectome.generator", "Two hemispheres, distance-dependent.",
                                         generator_keys, CLS_KEYS(generator_keys)};

cls_status cls_job_read_connectome(cls_job_reader *r, const cls_yaml *node, cls_connectome_choice *choice) {
  connectome_fields f = {0};
  CLS_TRY(cls_schema_read(r->tree, node, connectome_keys, CLS_KEYS(connectome_keys), &f));
  if (!f.file == !f.generator)
    return cls_yaml_fail(node, "%s: expected exactly one of file and generator",
                         f.file ? "both keys" : "no key");
  choice->node = f.file ? cls_yaml_get(node, "file") : f.generator;
  choice->file = f.file;
  if (f.file) return CLS_OK;
  cls_generator d = cls_generator_default();
  generator_fields g = {d.regions, (int64_t)d.seed, d.density, d.length_constant_mm, d.weight_sigma};
  CLS_TRY(cls_schema_read(r->tree, f.generator, generator_keys, CLS_KEYS(generator_keys), &g));
  choice->generator =
      (cls_generator){(uint32_t)g.regions, (uint64_t)g.seed, g.density, g.length_constant_mm, g.weight_sigma};
  return CLS_OK;
}

/* ---- the table itself ---- */

static cls_status read_on_root(cls_job_reader *r, const cls_connectome_choice *choice,
                               cls_connectome **connectome) {
  if (!choice->file) {
    cls_status status = cls_connectome_generate(&choice->generator, connectome);
    return status == CLS_OK ? CLS_OK : cls_yaml_prefix(choice->node, status);
  }
  char *path;
  CLS_TRY(cls_job_path(r, choice->node, choice->file, &path));
  cls_status status = cls_connectome_read(path, connectome);
  free(path);
  if (status == CLS_OK) return CLS_OK;
  /* The user named the file: that it cannot be read is the job's fault, whatever the reader thought. */
  if (status == CLS_ERR_IO) status = CLS_ERR_INPUT;
  return cls_yaml_prefix(choice->node, status);
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

static void copy_region(cls_connectome *to, uint32_t i, const cls_connectome *from, uint32_t j) {
  memcpy(to->centre_mm[i], from->centre_mm[j], sizeof to->centre_mm[i]);
  to->area_mm2[i] = from->area_mm2[j];
  to->volume_mm3[i] = from->volume_mm3[j];
  to->hemisphere[i] = from->hemisphere[j];
  to->cortical[i] = from->cortical[j];
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
  tracts = 0;
  for (uint32_t i = 0; i < n; i++) {
    CLS_TRY(cls_job_copy(all->names[kept[i]], &(*out)->names[i]));
    copy_region(*out, i, all, kept[i]);
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
  if (n == job->connectome->n_regions) return CLS_OK;
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
