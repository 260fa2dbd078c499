/* Short-term plasticity against closed forms (Tsodyks, Pawelzik & Markram 1998): regular trains, and limits. */
#include "model/figures.h"
#include "model/short_term.h"
#include <math.h>

static const double DT = 0.1;

static double stationary(const cls_short_term *p, double rate_hz, int spikes, double *u) {
  const cls_short_term_const k = cls_short_term_derive(p, DT);
  const int32_t steps = (int32_t)rint(1000 / rate_hz / DT);
  cls_short_term_state s = cls_short_term_first(&k);
  NEAR((double)(s.u * s.x), p->u, 1e-7);
  for (int i = 1; i < spikes; i++) s = cls_short_term_next(&k, s, steps);
  *u = (double)s.u;
  return (double)(s.u * s.x);
}

/* At rest u = U / (1 - (1 - U) f), x = (1 - r) / (1 - (1 - u) r), with the decays f and r over an interval. */
static void test_stationary(void **state) {
  (void)state;
  const cls_short_term kinds[] = {{.5, 800, 0}, {.04, 100, 1000}, {.2, 300, 60}, {.3, 0, 200}, {1, 800, 0}};
  double error = 0;
  for (int i = 0; i < 5; i++)
    for (double rate = 1; rate <= 100; rate *= 10) {
      double u, efficacy = stationary(&kinds[i], rate, 600, &u);
      const double f = kinds[i].tau_fac_ms > 0 ? exp(-1000 / rate / kinds[i].tau_fac_ms) : 0;
      const double r = kinds[i].tau_rec_ms > 0 ? exp(-1000 / rate / kinds[i].tau_rec_ms) : 0;
      const double u0 = kinds[i].u / (1 - (1 - kinds[i].u) * f), x0 = (1 - r) / (1 - (1 - u0) * r);
      NEAR(u, u0, 2e-6);
      error = larger_of(error, efficacy, u0 * x0);
    }
  hold("short_term", "stationary", error);
}

/* A depressing synapse at high rates passes 1 / (rate tau_rec) of its weight: what is given does not depend on the rate. */
static void test_saturation(void **state) {
  (void)state;
  const cls_short_term p = {.5, 800, 0};
  double u;
  NEAR(stationary(&p, 100, 2000, &u) * 100 * .8, 1, .02);
  NEAR(stationary(&p, 1000, 2000, &u) * 1000 * .8, 1, .002);
}

/* After a pause all is as at first. */
static void test_pause(void **state) {
  (void)state;
  const cls_short_term p = {.2, 100, 500};
  const cls_short_term_const k = cls_short_term_derive(&p, DT);
  cls_short_term_state s = cls_short_term_first(&k);
  for (int i = 0; i < 10; i++) s = cls_short_term_next(&k, s, 100);
  assert_true(fabs((double)s.u - .2) > .1);
  s = cls_short_term_next(&k, s, 1000000);
  assert_true(s.u == .2f && s.x == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stationary), cmocka_unit_test(test_saturation),
                                     cmocka_unit_test(test_pause)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
