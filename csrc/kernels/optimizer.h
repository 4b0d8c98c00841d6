/* One step of an optimizer on n consecutive elements of one parameter. Indexed by DType: float,
 * double. */
#pragma once

#include <stdint.h>

enum OptimizerRule { kRuleSgd, kRuleMomentum, kRuleAdam, kRules };
enum { kMostSlots = 3, kMostConstants = 4 };

/* What the step needs, computed once a call in double precision:
 *   sgd       learning rate
 *   momentum  learning rate, momentum; flag: Nesterov
 *   adam      corrected learning rate, 1 - beta_1, 1 - beta_2, epsilon; flag: AMSGrad */
struct OptimizerConstants {
  double values[kMostConstants];
  int flag;
};

typedef void (*OptimizerStep)(const struct OptimizerConstants* constants, int64_t n, void* w,
                              void* const* slots, const void* g);
/* x = x * scale */
typedef void (*ScaleInPlace)(void* x, double scale, int64_t n);

struct OptimizerKernels {
  OptimizerStep step[2][kRules];
  ScaleInPlace scale[2];
};
