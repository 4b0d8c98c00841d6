// The instruction sets that kernels were compiled for, and the one that runs.
#pragma once

#include <string>
#include <vector>

namespace fastnn {

struct TargetInfo {
  const char* name;
  bool available;  // this processor and operating system can run it
};

// In order, the best last.
std::vector<TargetInfo> built_targets();

// Fills the kernel table: with what FASTNN_ISA names, else with the best available target. Called
// once, at import. Throws Error for a name that is unknown here or that cannot run here.
void choose_target();

const char* chosen_target();
const std::string& target_reason();  // why this one

}  // namespace fastnn
