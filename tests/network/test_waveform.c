/* Waveforms: exact values of every kind, sums, gates, when they change, bounds, and what is refused. */
#include "network/draws.h"

static cls_waveform *make(int n, const cls_wave *waves) {
  cls_waveform *w;
  OK(cls_waveform_create(&w));
  for (int i = 0; i < n; i++) OK(cls_waveform_add(w, &waves[i]));
  return w;
}

static cls_wave samples(int n, const double *time, const double *value) {
  cls_wave wave = {.kind = CLS_WAVE_SAMPLES, .stop_ms = INFINITY, .n = (uint64_t)n};
  OK(cls_alloc(&wave.time_ms, (size_t)n, sizeof(double), "times"));
  OK(cls_alloc(&wave.sample, (size_t)n, sizeof(double), "values"));
  memcpy(wave.time_ms, time, (size_t)n * sizeof(double));
  memcpy(wave.sample, value, (size_t)n * sizeof(double));
  return wave;
}

static void test_kinds(void **state) {
  (void)state;
  static const double time[] = {0, 10, 12, 20}, value[] = {1, -2, 4, .5};
  cls_wave held = samples(4, time, value), line = samples(4, time, value);
  held.start_ms = line.start_ms = 100;
  held.stop_ms = line.stop_ms = 130;
  line.linear = true;
  const struct {
    cls_wave wave;
    double at[8], expected[8];
  } cases[] = {
      {{.kind = CLS_WAVE_STEP, .start_ms = 10, .stop_ms = 20, .value = 3},
       {0, 9.999, 10, 15, 19.999, 20, 1e9, 0},
       {0, 0, 3, 3, 3, 0, 0, 0}},
      {{.kind = CLS_WAVE_STEP, .start_ms = 10, .stop_ms = INFINITY, .value = -1.5},
       {9, 10, 11, 1e12, 0, 0, 0, 0},
       {0, -1.5, -1.5, -1.5, 0, 0, 0, 0}},
      {{.kind = CLS_WAVE_RAMP, .start_ms = 10, .stop_ms = 20, .value = -1, .to = 4},
       {9.99, 10, 12, 15, 18, 20, 0, 0},
       {0, -1, 0, 1.5, 3, 0, 0, 0}},
      {{.kind = CLS_WAVE_SINE,
        .start_ms = 100,
        .stop_ms = 1100,
        .frequency_hz = 5,
        .phase_deg = 90,
        .offset = 2,
        .amplitude = .5}, /* a cosine that begins at 100 ms */
       {99, 100, 150, 200, 250, 300, 600, 1100},
       {0, 2.5, 2, 1.5, 2, 2.5, 1.5, 0}},
      {{.kind = CLS_WAVE_PULSES, .start_ms = 5, .stop_ms = 48, .value = 2, .period_ms = 20, .width_ms = 4},
       {4.9, 5, 8.9, 9.1, 25, 28.9, 29.1, 46},
       {0, 2, 2, 0, 2, 2, 0, 2}},
      {held, {99, 100, 109, 110, 111.9, 112, 121, 130}, {0, 1, 1, -2, -2, 4, .5, 0}},
      {line, {99, 100, 105, 110, 111, 116, 121, 130}, {0, 1, -.5, -2, 1, 2.25, .5, 0}},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    cls_waveform *w = make(1, &cases[c].wave);
    OK(cls_waveform_check(w));
    for (int i = 0; i < 8; i++) NEAR(cls_waveform_at(w, cases[c].at[i]), cases[c].expected[i], 1e-12);
    cls_waveform_destroy(w);
  }
}

/* Late cycles are as exact as early ones: the phase is reduced before the sine is taken. */
static void test_late_sine(void **state) {
  (void)state;
  cls_waveform *w =
      make(1, &(cls_wave){.kind = CLS_WAVE_SINE, .stop_ms = INFINITY, .frequency_hz = 10, .amplitude = 1});
  for (int k = 0; k < 1000; k++) {
    double t = 3.6e6 + k * .25; /* an hour */
    NEAR(cls_waveform_at(w, t), (double)sinl(2 * acosl(-1) * (t / 100 - 36000)), 4e-10);
  }
  cls_waveform_destroy(w);
}

static void test_sum_and_gate(void **state) {
  (void)state;
  const cls_wave waves[] = {{.kind = CLS_WAVE_STEP, .start_ms = 0, .stop_ms = 50, .value = 1},
                            {.kind = CLS_WAVE_RAMP, .start_ms = 20, .stop_ms = 40, .value = 0, .to = 2},
                            {.kind = CLS_WAVE_PULSES,
                             .start_ms = 0,
                             .stop_ms = INFINITY,
                             .value = 10,
                             .period_ms = 8,
                             .width_ms = 1}};
  cls_waveform *w = make(3, waves);
  NEAR(cls_waveform_at(w, 0), 11, 0);
  NEAR(cls_waveform_at(w, 30), 2, 1e-12);
  NEAR(cls_waveform_at(w, 32.5), 12.25, 1e-12);
  NEAR(cls_waveform_at(w, 80.5), 10, 0);
  cls_wave gate = samples(4, (double[]){-5, 3, 30, 31}, (double[]){1, 0, 1, 0});
  gate.start_ms = 2;
  OK(cls_waveform_set_gate(w, &gate));
  OK(cls_waveform_check(w));
  NEAR(cls_waveform_at(w, 0), 0, 0); /* before the gate begins, though a block began before the run */
  NEAR(cls_waveform_at(w, 4.5), 1, 0);
  NEAR(cls_waveform_at(w, 5), 0, 0);
  NEAR(cls_waveform_at(w, 32.5), 12.25, 1e-12);
  cls_waveform_destroy(w);
  /* a gate alone is its own level */
  w = make(0, NULL);
  NEAR(cls_waveform_at(w, 7), 1, 0);
  gate = samples(2, (double[]){3, 30}, (double[]){1, 0});
  OK(cls_waveform_set_gate(w, &gate));
  NEAR(cls_waveform_at(w, 3), 1, 0);
  NEAR(cls_waveform_at(w, 2.9), 0, 0);
  cls_waveform_destroy(w);
}

/* Random waveforms: between t and the time until which they are said to be constant they are. */
static double draw(uint32_t i, uint32_t j, double low, double high) {
  return low + (high - low) * cls_unit(cls_draw((cls_stream){{21, 5}}, i, j, 0, 0).w[0]);
}

static cls_waveform *random_waveform(uint32_t c) {
  cls_waveform *w;
  OK(cls_waveform_create(&w));
  int n = 1 + (int)draw(c, 0, 0, 4);
  for (uint32_t i = 0; i < (uint32_t)n; i++) {
    int kind = (int)draw(c, 10 * i + 1, 0, 5);
    double width = draw(c, 10 * i + 2, 1, 20);
    cls_wave wave = {
        .kind = (cls_wave_kind)kind, .value = draw(c, 10 * i + 3, -2, 3), .to = draw(c, 10 * i + 4, -2, 3)};
    if (kind == CLS_WAVE_SAMPLES) {
      double at = draw(c, 10 * i + 5, 0, 20);
      wave = samples(3, (double[]){at, at + width, at + 2 * width}, (double[]){wave.value, wave.to, 1});
      wave.linear = draw(c, 10 * i + 6, 0, 1) < .5;
    }
    wave.frequency_hz = draw(c, 10 * i + 7, 1, 50), wave.amplitude = wave.to, wave.offset = wave.value;
    wave.width_ms = width, wave.period_ms = width * draw(c, 10 * i + 8, 1, 3);
    wave.start_ms = draw(c, 10 * i + 5, 0, 50);
    wave.stop_ms = wave.start_ms + draw(c, 10 * i + 9, 5, 100);
    OK(cls_waveform_add(w, &wave));
  }
  if (draw(c, 90, 0, 1) < .4) {
    cls_wave gate = samples(2, (double[]){draw(c, 91, 0, 40), 60}, (double[]){1, 0});
    OK(cls_waveform_set_gate(w, &gate));
  }
  OK(cls_waveform_check(w));
  return w;
}

static void test_constant_until(void **state) {
  (void)state;
  long spans = 0, changes = 0;
  for (uint32_t c = 0; c < 400; c++) {
    cls_waveform *w = random_waveform(c);
    for (double t = 0; t < 150; t += .7) {
      double until = cls_waveform_constant_until(w, t), level = cls_waveform_at(w, t);
      assert_true(until >= t);
      double end = until < 200 ? until : 200;
      for (int k = 1; k < 20; k++)
        if (end - t > 1e-6) assert_true(cls_waveform_at(w, t + (end - t - 1e-7) * k / 20) == level);
      spans += end - t > 1;
      /* and where it is said to change, it does (a wave may begin or end at 0, or two may cancel: seldom) */
      if (until > t && until < 200) changes += cls_waveform_at(w, until + 1e-7) != level;
    }
    cls_waveform_destroy(w);
  }
  assert_true(spans > 20000 && changes > 20000);
}

static void test_bounds(void **state) {
  (void)state;
  double low, high;
  for (uint32_t c = 0; c < 400; c++) {
    cls_waveform *w = random_waveform(c);
    OK(cls_waveform_bounds(w, &low, &high));
    double least = INFINITY, greatest = -INFINITY;
    for (double t = 0; t < 200; t += .05) {
      double level = cls_waveform_at(w, t);
      least = fmin(least, level), greatest = fmax(greatest, level);
    }
    assert_true(low <= least + 1e-12 && high >= greatest - 1e-12);
    cls_waveform_destroy(w);
  }
  /* exact where waves take turns: a dip below 0 that another wave fills */
  const cls_wave waves[] = {
      {.kind = CLS_WAVE_SINE, .start_ms = 10, .stop_ms = 90, .frequency_hz = 20, .amplitude = 3, .offset = 1},
      {.kind = CLS_WAVE_STEP, .start_ms = 0, .stop_ms = 100, .value = 2},
      {.kind = CLS_WAVE_RAMP, .start_ms = 95, .stop_ms = 100, .value = 0, .to = -2}};
  cls_waveform *w = make(3, waves);
  OK(cls_waveform_bounds(w, &low, &high));
  NEAR(low, 0, 1e-12);
  NEAR(high, 6, 1e-12);
  cls_waveform_destroy(w);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    cls_wave wave;
    const char *says;
  } cases[] = {
      {{.kind = CLS_WAVE_STEP, .start_ms = 5, .stop_ms = 5}, "stop_ms 5: expected a time after start_ms 5"},
      {{.kind = CLS_WAVE_STEP, .start_ms = 5, .stop_ms = 4}, "after start_ms"},
      {{.kind = CLS_WAVE_STEP, .stop_ms = 4, .value = NAN}, "finite"},
      {{.kind = CLS_WAVE_RAMP, .stop_ms = INFINITY}, "ramp without stop_ms"},
      {{.kind = CLS_WAVE_SINE, .stop_ms = 9, .frequency_hz = -1}, "frequency_hz -1"},
      {{.kind = CLS_WAVE_PULSES, .stop_ms = 9, .period_ms = 5, .width_ms = 6}, "width_ms 6"},
      {{.kind = CLS_WAVE_PULSES, .stop_ms = 9, .period_ms = 0, .width_ms = 0}, "width_ms 0"},
      {{.kind = CLS_WAVE_SAMPLES, .stop_ms = 9}, "no samples"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    cls_waveform *w = make(1, &cases[c].wave);
    assert_int_equal(cls_waveform_check(w), CLS_ERR_INPUT);
    if (!strstr(cls_error_message(), cases[c].says))
      fail_msg("'%s' is not in '%s'", cases[c].says, cls_error_message());
    cls_waveform_destroy(w);
  }
  cls_wave wave = samples(3, (double[]){0, 2, 2}, (double[]){1, 2, 3});
  cls_waveform *w = make(1, &wave);
  assert_int_equal(cls_waveform_check(w), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "sample 3: time 2 ms after 2 ms"));
  cls_waveform_destroy(w);
}

/* What a network asks of the inputs that carry them. */
static void refuse_input(const char *neuron, const char *model, const cls_wave *wave, double strength,
                         const char *says) {
  cls_network *network = make_network(neuron, 1, 1, (uint64_t[]){10});
  cls_waveform *w = NULL;
  cls_input *input;
  OK(cls_population_add_input(&network->populations[0], cls_model_find(model), &input));
  if (wave) {
    w = make(1, wave);
    OK(cls_network_own_waveform(network, w));
    input->waveform = w;
  }
  if (input->model->level)
    input->param[cls_model_param(input->model, input->model->level)] = cls_constant(strength);
  assert_int_equal(cls_network_finish(network), CLS_ERR_INPUT);
  if (!strstr(cls_error_message(), says)) fail_msg("'%s' is not in '%s'", says, cls_error_message());
  cls_network_destroy(network);
}

static void test_inputs_refused(void **state) {
  (void)state;
  const cls_wave step = {.kind = CLS_WAVE_STEP, .stop_ms = 10, .value = 2};
  const cls_wave dip = {
      .kind = CLS_WAVE_SINE, .stop_ms = 10, .frequency_hz = 1, .offset = 1, .amplitude = 1.5};
  refuse_input("lif_psc_exp", "poisson", &dip, 5, "may be as low as -0.5");
  refuse_input("lif_psc_exp", "poisson", &step, 2e8, "rate_hz 4e+08: expected at most");
  refuse_input("lif_psc_exp", "inhomogeneous_poisson", NULL, 5, "has no waveform");
  refuse_input("lif_psc_exp", "spike_train", NULL, 1, "has no spikes");
  refuse_input("relay", "dc", NULL, 5, "is a current: model relay takes none");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kinds),          cmocka_unit_test(test_late_sine),
      cmocka_unit_test(test_sum_and_gate),   cmocka_unit_test(test_constant_until),
      cmocka_unit_test(test_bounds),         cmocka_unit_test(test_refused),
      cmocka_unit_test(test_inputs_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
