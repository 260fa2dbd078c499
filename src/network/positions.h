/* Where the neurons of a population are, in millimetres: drawn in a shape, on a grid, or listed.
 *
 * Drawn positions are independent and uniform in the shape, and neighbours in space are near each other in
 * the numbering: the shape is halved again and again, the number of neurons in each half is drawn
 * binomially, and the lower numbers are given to the first half. Numbers say nothing about the other
 * properties of a neuron, so any numbering of independent points is as good as another; with this one the
 * cells of a population are compact, and pairs of cells too far apart for a kernel are passed over. The
 * position of one neuron takes as many draws as the tree is deep. */
#ifndef CALLOSUM_POSITIONS_H
#define CALLOSUM_POSITIONS_H

#include "base/base.h"

typedef enum {
  CLS_SHAPE_NONE,
  CLS_SHAPE_RECTANGLE, /* sides size[0], size[1]; flat, at height centre[2] */
  CLS_SHAPE_BOX,       /* sides size[0], size[1], size[2] */
  CLS_SHAPE_DISC,      /* diameter size[0]; flat */
  CLS_SHAPE_BALL,      /* diameter size[0] */
  CLS_SHAPE_GRID,      /* regular points in a rectangle or, where size[2] > 0, in a box */
  CLS_SHAPE_LISTED     /* `table` */
} cls_shape;

typedef struct {
  double low[3], high[3];
} cls_box;

/* Enough points stand for a population whose positions are listed. */
enum { CLS_POSITION_SAMPLE = 256 };

/* A list of positions. */
typedef struct {
  void *self;
  const char *name;                      /* for messages; owned by `self` */
  uint64_t n;                            /* neurons */
  cls_box *cell_box;                     /* of every cell of CLS_CELL neurons; owned by `self` */
  double sample[CLS_POSITION_SAMPLE][3]; /* evenly spread over the list */
  uint64_t checksum;
  /* Local; may be called by several threads at once. Positions of neurons [first, first + n). */
  cls_status (*read)(void *self, uint64_t first, uint32_t n, double (*xyz)[3]);
  void (*destroy)(void *self);
} cls_position_table;

typedef struct {
  cls_shape shape;
  double size_mm[3], centre_mm[3];
  bool periodic;             /* opposite sides of a rectangle, box or grid are neighbours */
  cls_position_table *table; /* owned by the network */
} cls_positions;

#endif
