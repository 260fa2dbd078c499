/* Private to noise.c and philox.c: one round of Philox4x32 on a vector of 64-bit lanes. Every counter word stays in the low
 * half of its lane, where one instruction multiplies and the high half of a product needs one shift; c1 and c3 may hold
 * anything in their high halves. The including file defines TYPE, OP(name) and XOR3(a, b, c) for a width of vectors, the
 * multipliers m0 and m1, and the keys k0 and k1 of the round. */
#ifndef CALLOSUM_PHILOX_LANES_H
#define CALLOSUM_PHILOX_LANES_H

#define ROUND(C0, C1, C2, C3)                                                                                \
  {                                                                                                          \
    TYPE p0 = OP(mul_epu32)(C0, m0), p1 = OP(mul_epu32)(C2, m1);                                             \
    C0 = XOR3(OP(srli_epi64)(p1, 32), C1, k0);                                                               \
    C2 = XOR3(OP(srli_epi64)(p0, 32), C3, k1);                                                               \
    C1 = p1;                                                                                                 \
    C3 = p0;                                                                                                 \
  }

#endif
