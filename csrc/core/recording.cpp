#include "core/recording.h"

#include "core/memory_pool.h"

namespace fastnn {
namespace {

thread_local Recording* current = nullptr;

template <class Visit>
void for_each_block(const Call& call, Visit visit) {
  for (int i = 0; i < call.total(); ++i) visit(call.arrays()[i].block);
}

}  // namespace

Recording* current_recording() { return current; }

Recording::~Recording() {
  if (current == this) current = nullptr;
  for (const Call& note : notes_) for_each_block(note, [](Block* block) { release(block); });
}

void Recording::start() {
  current = this;
  first_serial_ = next_block_serial();
}

void Recording::stop() {
  last_serial_ = next_block_serial();
  current = nullptr;
}

void Recording::note(const Call& call) {
  notes_.push_back(call);
  lines_.push_back(line);
  for_each_block(call, [](Block* block) { retain(block); });
}

void Recording::refuse(const std::string& reason) {
  if (refusal_.empty()) refusal_ = line.empty() ? reason : reason + " (" + line + ")";
}

bool Recording::is_new(const Block& block) const {
  return first_serial_ <= block.serial && block.serial < last_serial_;
}

}  // namespace fastnn
