/* The samplers of random.h as functions of the library. */
#include "base/random_define.h"
