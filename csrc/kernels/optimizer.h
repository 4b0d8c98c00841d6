/* One step of an optimizer on n consecutive elements of one parameter. Indexed by DType: float,
 * double. */
#pragma once

#include <stdint.h>

/* X(rule, slots of a parameter, numbers in `hyper`) */
#define FASTNN_OPTIMIZER_RULES(X)    \
  X(sgd, 0, 0)                       \
  X(momentum, 1, 1)                  \
  X(nesterov, 1, 1)                  \
  X(adagrad, 1, 1)                   \
  X(adadelta, 2, 2)                  \
  X(rmsprop, 1, 2)                   \
  X(rmsprop_momentum, 2, 3)          \
  X(rmsprop_centered, 2, 2)          \
  X(rmsprop_centered_momentum, 3, 3) \
  X(adam, 2, 3)                      \
  X(amsgrad, 3, 3)                   \
  X(adamax, 2, 3)                    \
  X(nadam, 2, 3)                     \
  X(ftrl, 2, 5)                      \
  X(lion, 1, 2)                      \
  X(schedule_free, 2, 4)             \
  X(vsgd, 6, 1)                      \
  X(adasecant, 13, 2)                \
  X(lamb, 2, 3)                      \
  X(adafactor, 3, 4)

#define FASTNN_RULE_CODE(rule, slots, numbers) kRule_##rule,
enum OptimizerRule { FASTNN_OPTIMIZER_RULES(FASTNN_RULE_CODE) kRules };
#undef FASTNN_RULE_CODE
enum { kMostSlots = 13, kMostConstants = 7 };

/* What the step needs, computed once a call in double precision; r: the learning rate, t: the
 * number of this step from 1:
 *   sgd       r
 *   momentum  r, momentum                                     (nesterov too)
 *   adagrad   r, epsilon
 *   adadelta  r, rho, 1 - rho, epsilon
 *   rmsprop   r, rho, 1 - rho, epsilon, momentum              (all four of that name)
 *   adam      r sqrt(1 - beta_2^t) / (1 - beta_1^t), 1 - beta_1, 1 - beta_2, epsilon  (amsgrad too)
 *   adamax    r / (1 - beta_1^t), 1 - beta_1, beta_2, epsilon
 *   nadam     factor of m, factor of g, 1 - beta_1, 1 - beta_2, 1 / (1 - beta_2^t), epsilon
 *   ftrl      1 / r, -power, l1, 2 l2 + beta / r, 2 shrinkage
 *   lion      r, 1 - beta_1, 1 - beta_2
 *   schedule_free  r of this step of the warm-up, beta_1, 1 - beta_1, 1 - beta_2,
 *             1 / (1 - beta_2^t), 1 / t, epsilon
 *   vsgd      r, factor of squares, variances (by its square) beyond which an outlier is
 *   adasecant r, first step, most smoothing, t
 *   lamb      1 - beta_1, 1 - beta_2, 1 / (1 - beta_1^t), 1 / (1 - beta_2^t), epsilon
 *   adafactor 1 - f, f, epsilon_1, with f = t^beta_2_decay */
struct OptimizerConstants {
  double values[kMostConstants];
};

/* What comes before a rule: the parameter loses its share `decay`, the gradient is multiplied by
 * `scale` and cut to [-limit, limit]. */
struct OptimizerPrelude {
  double decay, scale, limit;
};

typedef void (*OptimizerRuleKernel)(const struct OptimizerConstants* constants,
                                    const struct OptimizerPrelude* prelude, /* or none */
                                    int64_t n, void* w, void* const* slots, const void* g);

/* Sums of squares. */
struct OptimizerSquares {
  double parameter, direction;
};

struct OptimizerKernels {
  OptimizerRuleKernel step[2][kRules]; /* none of lamb and adafactor */
  /* Of lamb and adafactor (whose only slot here is the mean square) y is the direction to go; with
   * `moves` the slots move first. Of w and of y the squares are added up. */
  void (*direct[2][kRules])(const struct OptimizerConstants* constants,
                            const struct OptimizerPrelude* prelude, /* or none */
                            int64_t n, void* w, void* const* slots, const void* g, int moves,
                            void* y, struct OptimizerSquares* squares);
  /* x = x * scale */
  void (*scale[2])(void* x, double scale, int64_t n);
  /* y = g * factor, cut to [-limit, limit] */
  void (*clip[2])(const void* g, double factor, double limit, int64_t n, void* y);
  /* total = total + g */
  void (*accumulate[2])(void* total, const void* g, int64_t n);
  /* mean = momentum * mean + (1 - momentum) * w; with `overwrite` w = mean */
  void (*average[2])(void* mean, void* w, double momentum, int overwrite, int64_t n);
};
