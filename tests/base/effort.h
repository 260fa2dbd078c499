/* Sanitizers make everything several times as slow, and find what they look for in a part of the variants as well as in all. */
#ifndef CALLOSUM_TEST_BASE_EFFORT_H
#define CALLOSUM_TEST_BASE_EFFORT_H

#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 3 }; /* variant is tested */
#else
enum { EVERY = 1 };
#endif

#endif
