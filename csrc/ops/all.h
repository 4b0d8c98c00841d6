// The families of primitives.
#pragma once

namespace fastnn {

void register_elementwise();
void register_movement();
void register_update();
void register_require();
void register_concatenate();
void register_gather();
void register_reduce();
void register_moments();
void register_cumulative();
void register_sort();
void register_searchsorted();
void register_gemm();
void register_attention();
void register_rnn();
void register_conv();
void register_unfold();
void register_norm();
void register_batch_norm();
void register_max_pool();
void register_average_pool();
void register_resize();
void register_softmax();
void register_loss();
void register_ctc();
void register_ctc_beam();
void register_random();
void register_optimizer();
void register_user_function();

// Fills `primitives()`; called once, when the module is imported.
void register_all_primitives();

}  // namespace fastnn
