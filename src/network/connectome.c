/* The connectome object: memory, validity, and its way from rank 0 to all others. */
#include "network/connectome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLS_NAME_MAX_BYTES = 255 };

cls_status cls_connectome_create(uint32_t n_regions, uint64_t n_tracts, cls_connectome **connectome) {
  *connectome = NULL;
  CLS_CHECK(n_regions > 0, CLS_ERR_INPUT, "connectome: 0 regions, expected at least 1");
  cls_connectome *c = NULL;
  CLS_TRY(cls_alloc(&c, 1, sizeof *c, "connectome"));
  c->n_regions = n_regions;
  size_t n = n_regions, m = (size_t)n_tracts;
  cls_status status = cls_alloc(&c->names, n, sizeof *c->names, "region names");
  if (status == CLS_OK) status = cls_alloc(&c->centre_mm, n, sizeof *c->centre_mm, "region centres");
  if (status == CLS_OK) status = cls_alloc(&c->area_mm2, n, sizeof *c->area_mm2, "region areas");
  if (status == CLS_OK) status = cls_alloc(&c->volume_mm3, n, sizeof *c->volume_mm3, "region volumes");
  if (status == CLS_OK) status = cls_alloc(&c->hemisphere, n, sizeof *c->hemisphere, "hemispheres");
  if (status == CLS_OK) status = cls_alloc(&c->cortical, n, sizeof *c->cortical, "cortical flags");
  if (status == CLS_OK)
    status = cls_alloc(&c->synapse_density, n, sizeof *c->synapse_density, "synapse densities");
  if (status == CLS_OK) status = cls_alloc(&c->row, n + 1, sizeof *c->row, "connectome rows");
  if (status == CLS_OK) status = cls_alloc(&c->source, m, sizeof *c->source, "tract sources");
  if (status == CLS_OK) status = cls_alloc(&c->weight, m, sizeof *c->weight, "tract weights");
  if (status == CLS_OK) status = cls_alloc(&c->length_mm, m, sizeof *c->length_mm, "tract lengths");
  if (status != CLS_OK) {
    cls_connectome_destroy(c);
    return status;
  }
  for (size_t i = 0; i < n; i++) {
    for (int k = 0; k < 3; k++) c->centre_mm[i][k] = NAN;
    c->hemisphere[i] = -1;
    c->cortical[i] = -1;
    c->synapse_density[i] = NAN;
  }
  *connectome = c;
  return CLS_OK;
}

cls_status cls_connectome_add_units(cls_connectome *c) {
  return c->unit ? CLS_OK : cls_alloc(&c->unit, c->n_regions, sizeof *c->unit, "units of regions");
}

cls_status cls_connectome_copy_region(cls_connectome *to, uint32_t i, const cls_connectome *from,
                                      uint32_t j) {
  memcpy(to->centre_mm[i], from->centre_mm[j], sizeof to->centre_mm[i]);
  to->area_mm2[i] = from->area_mm2[j];
  to->volume_mm3[i] = from->volume_mm3[j];
  to->hemisphere[i] = from->hemisphere[j];
  to->cortical[i] = from->cortical[j];
  to->synapse_density[i] = from->synapse_density[j];
  if (!from->unit && !to->unit) return CLS_OK;
  CLS_TRY(cls_connectome_add_units(to));
  free(to->unit[i]);
  to->unit[i] = cls_format("%s", from->unit ? from->unit[j] : "");
  CLS_CHECK(to->unit[i], CLS_ERR_MEMORY, "out of memory for units of regions");
  return CLS_OK;
}

void cls_connectome_destroy(cls_connectome *c) {
  if (!c) return;
  for (uint32_t i = 0; c->names && i < c->n_regions; i++) free(c->names[i]);
  for (uint32_t i = 0; c->unit && i < c->n_regions; i++) free(c->unit[i]);
  free(c->names);
  free(c->unit);
  free(c->synapse_density);
  free(c->origin);
  free(c->centre_mm);
  free(c->area_mm2);
  free(c->volume_mm3);
  free(c->hemisphere);
  free(c->cortical);
  free(c->row);
  free(c->source);
  free(c->weight);
  free(c->length_mm);
  free(c);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Printable and of bounded length: names become parts of population names and HDF5 strings. */
static cls_status check_text(const char *what, uint32_t region, const char *text) {
  size_t length = strlen(text);
  CLS_CHECK(length <= CLS_NAME_MAX_BYTES, CLS_ERR_INPUT,
            "connectome: the %s of region %u has %zu bytes, expected at most %d", what, region, length,
            CLS_NAME_MAX_BYTES);
  for (size_t k = 0; k < length; k++)
    CLS_CHECK((unsigned char)text[k] >= ' ' && text[k] != 127, CLS_ERR_INPUT,
              "connectome: the %s of region %u holds the control character %d at byte %zu", what, region,
              (unsigned char)text[k], k);
  return CLS_OK;
}

/* Names are there and unique; units are there if any is. */
static cls_status check_names(const cls_connectome *c) {
  for (uint32_t i = 0; i < c->n_regions; i++) {
    const char *name = c->names[i];
    CLS_CHECK(name && name[0], CLS_ERR_INPUT, "connectome: region %u has no name", i);
    CLS_TRY(check_text("name", i, name));
    CLS_CHECK(!c->unit || c->unit[i], CLS_ERR_INTERNAL, "connectome: region %u has no unit", i);
    if (c->unit) CLS_TRY(check_text("unit", i, c->unit[i]));
  }
  const char **sorted = NULL;
  CLS_TRY(cls_alloc(&sorted, c->n_regions, sizeof *sorted, "sorted region names"));
  for (uint32_t i = 0; i < c->n_regions; i++) sorted[i] = c->names[i];
  qsort(sorted, c->n_regions, sizeof *sorted, compare_names);
  cls_status status = CLS_OK;
  for (uint32_t i = 1; i < c->n_regions && status == CLS_OK; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0)
      status = cls_fail(CLS_ERR_INPUT, "connectome: region name %s occurs twice, expected unique names",
                        sorted[i]);
  free(sorted);
  return status;
}

static cls_status check_region(const cls_connectome *c, uint32_t i) {
  const char *name = c->names[i];
  for (int k = 0; k < 3; k++)
    CLS_CHECK(!isinf(c->centre_mm[i][k]), CLS_ERR_INPUT,
              "connectome: centre of region %s is infinite, expected millimetres or NaN", name);
  CLS_CHECK(isnan(c->area_mm2[i]) || (isfinite(c->area_mm2[i]) && c->area_mm2[i] >= 0), CLS_ERR_INPUT,
            "connectome: area of region %s is %g mm2, expected a number >= 0", name, c->area_mm2[i]);
  CLS_CHECK(isnan(c->volume_mm3[i]) || (isfinite(c->volume_mm3[i]) && c->volume_mm3[i] >= 0), CLS_ERR_INPUT,
            "connectome: volume of region %s is %g mm3, expected a number >= 0", name, c->volume_mm3[i]);
  CLS_CHECK(c->hemisphere[i] >= -1 && c->hemisphere[i] <= 1, CLS_ERR_INPUT,
            "connectome: hemisphere of region %s is %d, expected 0, 1 or -1 (unknown)", name,
            c->hemisphere[i]);
  CLS_CHECK(c->cortical[i] >= -1 && c->cortical[i] <= 1, CLS_ERR_INPUT,
            "connectome: cortical flag of region %s is %d, expected 0, 1 or -1 (unknown)", name,
            c->cortical[i]);
  CLS_CHECK(isnan(c->synapse_density[i]) || (isfinite(c->synapse_density[i]) && c->synapse_density[i] >= 0),
            CLS_ERR_INPUT, "connectome: synapse density of region %s is %g, expected a number >= 0", name,
            c->synapse_density[i]);
  return CLS_OK;
}

static cls_status check_tracts(const cls_connectome *c, uint32_t i) {
  CLS_CHECK(c->row[i + 1] >= c->row[i], CLS_ERR_INPUT,
            "connectome: row offset %llu after region %s is below the one before it, %llu",
            (unsigned long long)c->row[i + 1], c->names[i], (unsigned long long)c->row[i]);
  CLS_CHECK(c->row[i + 1] <= c->row[c->n_regions], CLS_ERR_INPUT,
            "connectome: row offset %llu after region %s is above the last one, %llu",
            (unsigned long long)c->row[i + 1], c->names[i], (unsigned long long)c->row[c->n_regions]);
  CLS_CHECK(c->row[i + 1] - c->row[i] <= c->n_regions, CLS_ERR_INPUT,
            "connectome: region %s has %llu tracts, expected at most %u", c->names[i],
            (unsigned long long)(c->row[i + 1] - c->row[i]), c->n_regions);
  for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
    CLS_CHECK(c->source[k] < c->n_regions, CLS_ERR_INPUT,
              "connectome: a tract onto region %s comes from region number %u, expected below %u",
              c->names[i], c->source[k], c->n_regions);
    const char *source = c->names[c->source[k]];
    CLS_CHECK(
        k == c->row[i] || c->source[k] > c->source[k - 1], CLS_ERR_INPUT,
        "connectome: tracts onto region %s: source %s does not come after %s, expected ascending region "
        "numbers, each once",
        c->names[i], source, c->names[c->source[k - 1]]);
    CLS_CHECK(isfinite(c->weight[k]) && c->weight[k] > 0, CLS_ERR_INPUT,
              "connectome: weight of the tract %s <- %s is %g, expected a finite number > 0", c->names[i],
              source, c->weight[k]);
    CLS_CHECK(isfinite(c->length_mm[k]) && c->length_mm[k] >= 0, CLS_ERR_INPUT,
              "connectome: length of the tract %s <- %s is %g mm, expected a finite number >= 0", c->names[i],
              source, c->length_mm[k]);
  }
  return CLS_OK;
}

cls_status cls_connectome_check(const cls_connectome *c) {
  CLS_CHECK(c->n_regions > 0, CLS_ERR_INPUT, "connectome: 0 regions, expected at least 1");
  CLS_TRY(check_names(c));
  CLS_CHECK(c->row[0] == 0, CLS_ERR_INPUT, "connectome: the first row offset is %llu, expected 0",
            (unsigned long long)c->row[0]);
  for (uint32_t i = 0; i < c->n_regions; i++) {
    CLS_TRY(check_region(c, i));
    CLS_TRY(check_tracts(c, i));
  }
  return CLS_OK;
}

/* ---- broadcast ---- */

/* MPI counts are int: long arrays travel in pieces. */
static cls_status broadcast_bytes(void *data, uint64_t bytes, MPI_Comm comm) {
  const uint64_t piece = (uint64_t)1 << 30;
  for (uint64_t at = 0; at < bytes; at += piece) {
    uint64_t left = bytes - at;
    int n = (int)(left < piece ? left : piece);
    CLS_CHECK(MPI_Bcast((char *)data + at, n, MPI_BYTE, 0, comm) == MPI_SUCCESS, CLS_ERR_MPI,
              "broadcast of a connectome: MPI_Bcast of %d bytes failed", n);
  }
  return CLS_OK;
}

/* Text number k of a connectome: origin, names, and units where there are some. */
static const char *text_of(const cls_connectome *c, uint64_t k) {
  if (k == 0) return c->origin ? c->origin : "";
  return k <= c->n_regions ? c->names[k - 1] : c->unit[k - 1 - c->n_regions];
}

static uint64_t texts(const cls_connectome *c) { return 1 + (c->unit ? 2 : 1) * (uint64_t)c->n_regions; }

/* All texts as one, each ended by a zero byte. Rank 0 only. */
static cls_status pack_text(const cls_connectome *c, char **text, uint64_t *bytes) {
  size_t total = 0, at = 0;
  for (uint64_t k = 0; k < texts(c); k++) total += strlen(text_of(c, k)) + 1;
  CLS_TRY(cls_alloc(text, total, 1, "region names"));
  for (uint64_t k = 0; k < texts(c); k++) {
    size_t n = strlen(text_of(c, k)) + 1;
    memcpy(*text + at, text_of(c, k), n);
    at += n;
  }
  *bytes = total;
  return CLS_OK;
}

static cls_status unpack_text(cls_connectome *c, const char *text) {
  for (uint64_t k = 0; k < texts(c); k++) {
    char *copy = cls_format("%s", text);
    CLS_CHECK(copy, CLS_ERR_MEMORY, "out of memory for region names");
    if (k == 0)
      c->origin = copy;
    else if (k <= c->n_regions)
      c->names[k - 1] = copy;
    else
      c->unit[k - 1 - c->n_regions] = copy;
    text += strlen(text) + 1;
  }
  return CLS_OK;
}

static cls_status broadcast_arrays(cls_connectome *c, uint64_t tracts, MPI_Comm comm) {
  uint64_t n = c->n_regions;
  CLS_TRY(broadcast_bytes(c->centre_mm, n * sizeof *c->centre_mm, comm));
  CLS_TRY(broadcast_bytes(c->area_mm2, n * sizeof *c->area_mm2, comm));
  CLS_TRY(broadcast_bytes(c->volume_mm3, n * sizeof *c->volume_mm3, comm));
  CLS_TRY(broadcast_bytes(c->hemisphere, n * sizeof *c->hemisphere, comm));
  CLS_TRY(broadcast_bytes(c->cortical, n * sizeof *c->cortical, comm));
  CLS_TRY(broadcast_bytes(c->synapse_density, n * sizeof *c->synapse_density, comm));
  CLS_TRY(broadcast_bytes(c->row, (n + 1) * sizeof *c->row, comm));
  CLS_TRY(broadcast_bytes(c->source, tracts * sizeof *c->source, comm));
  CLS_TRY(broadcast_bytes(c->weight, tracts * sizeof *c->weight, comm));
  return broadcast_bytes(c->length_mm, tracts * sizeof *c->length_mm, comm);
}

cls_status cls_connectome_broadcast(cls_connectome **connectome, MPI_Comm comm) {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  if (ranks == 1) return CLS_OK;
  if (rank != 0) *connectome = NULL;

  char *text = NULL;
  uint64_t sizes[5] = {0}; /* regions, tracts, bytes of text, are there units, are names made up */
  cls_status status = CLS_OK;
  if (rank == 0) {
    status = pack_text(*connectome, &text, &sizes[2]);
    sizes[0] = (*connectome)->n_regions;
    sizes[1] = (*connectome)->row[sizes[0]];
    sizes[3] = (*connectome)->unit != NULL;
    sizes[4] = (*connectome)->names_made_up;
  }
  status = cls_agree(comm, status);
  if (status != CLS_OK) return status;
  status = broadcast_bytes(sizes, sizeof sizes, comm);
  if (status == CLS_OK && rank != 0) {
    status = cls_connectome_create((uint32_t)sizes[0], sizes[1], connectome);
    if (status == CLS_OK && sizes[3]) status = cls_connectome_add_units(*connectome);
    if (status == CLS_OK) (*connectome)->names_made_up = sizes[4] != 0;
    if (status == CLS_OK) status = cls_alloc(&text, sizes[2], 1, "region names");
  }
  status = cls_agree(comm, status); /* nobody sends to a rank that could not make room */
  if (status == CLS_OK) status = broadcast_bytes(text, sizes[2], comm);
  if (status == CLS_OK) status = broadcast_arrays(*connectome, sizes[1], comm);
  if (status == CLS_OK && rank != 0) status = unpack_text(*connectome, text);
  free(text);
  status = cls_agree(comm, status);
  if (status != CLS_OK && rank != 0) {
    cls_connectome_destroy(*connectome);
    *connectome = NULL;
  }
  return status;
}
