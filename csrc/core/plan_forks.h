// Plans in a forked child.
#pragma once

namespace fastnn {

class Plan;

// From now on, a child calls the plan's `forget_other_threads` when it begins. Throws
// std::bad_alloc.
void mend_in_forks(Plan& plan);

// The plan ends.
void leave_to_forks(Plan& plan);

}  // namespace fastnn
