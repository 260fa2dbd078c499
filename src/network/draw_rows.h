/* Private to the drawing of rows (draw_rows.c, draw_row.c). */
#ifndef CALLOSUM_NETWORK_DRAW_ROWS_H
#define CALLOSUM_NETWORK_DRAW_ROWS_H

#include "network/draw_distance.h"

struct cls_source_rows_ {
  const cls_network *network;
  cls_projection projection;
  cls_draw_source source;
  double factor; /* of the projection's source */
  cls_row_shape shape;
  cls_distances *space; /* NULL: no distance is needed */
  uint32_t cell;        /* the source cell that is loaded; UINT32_MAX: none */
  uint32_t *count;      /* [CLS_CELL][cells] of its neurons; NULL before the first is loaded */
  uint32_t length[CLS_CELL];
};

/* Draws the `count[c]` synapses of a source neuron (its number in the population) in each target cell cell_first + c,
 * handing full batches to the sink; the drawing was prepared for the rows. The last batch is drawn by
 * cls_source_rows_flush(). `of` has room for a batch and belongs to it. */
cls_status cls_source_rows_add(const cls_source_rows *rows, cls_drawing *drawing, uint32_t source,
                               const uint32_t *count, uint32_t *of, cls_row_sink sink, void *context);
cls_status cls_source_rows_flush(const cls_source_rows *rows, cls_drawing *drawing, const uint32_t *of,
                                 cls_row_sink sink, void *context);
void cls_source_rows_prepare(cls_source_rows *rows, cls_drawing *drawing, int what);

#endif
