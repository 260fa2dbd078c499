/* How much an observation counts at a distance. */
#include "assimilation/analysis.h"

#include <math.h>

/* Between 0 and c, and between c and 2 c; polynomials in r = distance / c by Horner. */
double cls_gaspari_cohn(double distance, double half_width) {
  if (!(distance < INFINITY)) return 0;
  if (half_width == INFINITY || distance == 0) return 1;
  if (half_width == 0 || distance >= 2 * half_width) return 0;
  const double r = distance / half_width;
  if (r <= 1) return 1 + r * r * (-5. / 3 + r * (5. / 8 + r * (1. / 2 - r / 4)));
  const double far = 4 - 2 / (3 * r) + r * (-5 + r * (5. / 3 + r * (5. / 8 + r * (-1. / 2 + r / 12))));
  return far > 0 ? far : 0;
}
