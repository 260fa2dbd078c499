#include "io/positions_file.h"
#include "io/hdf5_column.h"
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

typedef struct {
  cls_position_table table; /* first: a table is its file */
  hid_t file;
  char *name;
  cls_h5_column column;
} positions_file;

static cls_status read_positions(void *self, uint64_t first, uint32_t n, double (*xyz)[3]) {
  const positions_file *f = self;
  uint64_t width = (uint64_t)f->column.width;
  double *flat = xyz[0];
  CLS_TRY(cls_h5_column_numbers(&f->column, first, n, flat));
  for (uint64_t i = n; width == 2 && i-- > 0;) { /* spread pairs, from the end */
    xyz[i][1] = flat[2 * i + 1];
    xyz[i][0] = flat[2 * i];
    xyz[i][2] = 0;
  }
  return CLS_OK;
}

static void destroy(void *self) {
  positions_file *f = self;
  cls_h5_column_close(&f->column);
  cls_h5_close_input(f->file);
  free(f->table.cell_box);
  free(f->name);
  free(f);
}

static uint64_t cells_of(const positions_file *f) { return (f->table.n + CLS_CELL - 1) / CLS_CELL; }

static cls_status open_all(positions_file *f, const char *path, const char *dataset, uint64_t n,
                           const char *population) {
  CLS_TRY(cls_h5_open_input(path, &f->file));
  CLS_TRY(cls_h5_column_open(f->file, path, dataset, false, 3, &f->column));
  CLS_CHECK(f->column.width >= 2, CLS_ERR_INPUT, "%s: one number per row: expected 2 or 3", f->column.name);
  CLS_CHECK(f->column.n == n, CLS_ERR_INPUT, "%s: %llu rows: expected %llu, one for each neuron of '%s'",
            f->column.name, (unsigned long long)f->column.n, (unsigned long long)n, population);
  f->table.n = n;
  return cls_alloc(&f->table.cell_box, cells_of(f), sizeof *f->table.cell_box, "boxes of cells");
}

cls_status cls_positions_file_open(const char *path, const char *dataset, uint64_t n, const char *population,
                                   cls_position_table **table) {
  positions_file *f;
  *table = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "list of positions"));
  f->file = -1;
  f->name = cls_format("%s: %s", path, dataset);
  if (!f->name) {
    free(f);
    return cls_fail(CLS_ERR_MEMORY, "%s: no memory for the name of a list", path);
  }
  f->table.self = f;
  f->table.name = f->name;
  f->table.read = read_positions;
  f->table.destroy = destroy;
  *table = &f->table;
  return open_all(f, path, dataset, n, population);
}

static cls_status scan_cell(positions_file *f, uint64_t cell, double (*xyz)[3], XXH3_state_t *hash) {
  uint64_t first = cell * CLS_CELL, left = f->table.n - first;
  uint32_t n = left < CLS_CELL ? (uint32_t)left : CLS_CELL;
  cls_box *box = &f->table.cell_box[cell];
  CLS_TRY(read_positions(f, first, n, xyz));
  for (int k = 0; k < 3; k++) {
    box->low[k] = INFINITY;
    box->high[k] = -INFINITY;
  }
  for (uint32_t i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) {
      double x = xyz[i][k];
      CLS_CHECK(fabs(x) <= 1e9, CLS_ERR_INPUT, "%s: row %llu: %g: expected a number of at most 1e9 mm",
                f->name, (unsigned long long)(first + i), x);
      if (x < box->low[k]) box->low[k] = x;
      if (x > box->high[k]) box->high[k] = x;
    }
  XXH3_64bits_update(hash, xyz, n * sizeof *xyz);
  return CLS_OK;
}

static cls_status scan_all(positions_file *f, double (*xyz)[3], XXH3_state_t *hash) {
  XXH3_64bits_reset(hash);
  for (uint64_t cell = 0; cell < cells_of(f); cell++) CLS_TRY(scan_cell(f, cell, xyz, hash));
  f->table.checksum = XXH3_64bits_digest(hash);
  for (uint64_t i = 0; i < CLS_POSITION_SAMPLE; i++) {
    uint64_t row = (uint64_t)(((double)i + 0.5) / CLS_POSITION_SAMPLE * (double)f->table.n);
    CLS_TRY(read_positions(f, row < f->table.n ? row : f->table.n - 1, 1, xyz));
    for (int k = 0; k < 3; k++) f->table.sample[i][k] = xyz[0][k];
  }
  return CLS_OK;
}

cls_status cls_positions_file_scan(cls_position_table *table) {
  positions_file *f = table->self;
  double(*xyz)[3] = NULL;
  XXH3_state_t *hash = XXH3_createState();
  cls_status status = hash ? cls_alloc(&xyz, CLS_CELL, sizeof *xyz, "positions of a cell")
                           : cls_fail(CLS_ERR_MEMORY, "%s: no memory for a checksum", f->name);
  if (status == CLS_OK) status = scan_all(f, xyz, hash);
  XXH3_freeState(hash);
  free(xyz);
  return status;
}

cls_status cls_positions_file_share(const cls_world *world, cls_position_table *table) {
  enum { CELLS_AT_A_TIME = 1 << 20 };
  const positions_file *f = table->self;
  int failed = MPI_Bcast(table->sample, sizeof table->sample, MPI_BYTE, 0, world->comm) != MPI_SUCCESS;
  failed |= MPI_Bcast(&table->checksum, 1, MPI_UINT64_T, 0, world->comm) != MPI_SUCCESS;
  for (uint64_t c = 0; c < cells_of(f); c += CELLS_AT_A_TIME) {
    uint64_t n = cells_of(f) - c < CELLS_AT_A_TIME ? cells_of(f) - c : CELLS_AT_A_TIME;
    failed |= MPI_Bcast(table->cell_box + c, (int)(n * sizeof *table->cell_box), MPI_BYTE, 0, world->comm) !=
              MPI_SUCCESS;
  }
  CLS_CHECK(!failed, CLS_ERR_MPI, "%s: broadcast failed", table->name);
  return CLS_OK;
}
