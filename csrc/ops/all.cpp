#include "ops/all.h"

namespace fastnn {

void register_all_primitives() {
  register_elementwise();
  register_movement();
  register_update();
  register_require();
  register_concatenate();
  register_gather();
  register_reduce();
  register_moments();
  register_cumulative();
  register_sort();
  register_searchsorted();
  register_gemm();
  register_attention();
  register_rnn();
  register_conv();
  register_unfold();
  register_softmax();
  register_norm();
  register_batch_norm();
  register_max_pool();
  register_average_pool();
  register_resize();
  register_loss();
  register_ctc();
  register_ctc_beam();
  register_random();
  register_optimizer();
  register_user_function();
}

}  // namespace fastnn
