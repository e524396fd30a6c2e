#include "format/trace_writer.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "format/base/clock.h"
#include "format/base/error.h"
#include "format/base/file_part.h"
#include "format/base/thread.h"
#include "format/block_hash.h"
#include "format/block_memory.h"
#include "format/chunk_writer.h"
#include "format/event_columns.h"
#include "format/trace_tables.h"

namespace rec {
namespace {

constexpr std::size_t batch_bytes = 1 << 20;  // a batch is cut when it holds so much …
constexpr std::uint64_t batch_age_ns =
    50'000'000;                         // … or is so old: a killed recorder loses no more than 100 ms
constexpr std::size_t max_queued = 24;  // batches; then append() waits
constexpr std::size_t max_spare = 4;    // emptied batches that are kept for their memory
// … and so much memory of blocks.
constexpr std::size_t max_block_bytes = max_queued * batch_bytes;
// An event with more data than this has it stored in blocks, so that what is read again is there already …
constexpr std::size_t large_event = 32 << 10;
constexpr std::size_t large_piece = 4096;  // … except for its small pieces

// The further the compressor is behind, the less it may take its time: about 200, 400, 500 and 700 MB/s.
// Where a program begins, its files come all at once, and its first events wait behind them; at the end, a
// user waits. `is_busy`: it takes much of a processor that the program could use.
// Whatever is recorded begins with megabytes of programs and libraries. A recording that is over soon would
// not be over before they are compressed: that goes quickly first (-1 takes half as long as 3, three quarters
// of 1, and makes an eighth more of them than 1).
int level_for(const EventBatch& batch, std::size_t backlog, bool is_young, bool is_busy, bool is_ending) {
  constexpr std::uint64_t patience_ns = 25'000'000;
  if (batch.has_blocks() && (is_young || is_ending)) return -1;
  const std::uint64_t waited_ns = monotonic_ns() - batch.cut_ns;
  if (backlog <= 2 && waited_ns <= patience_ns && !is_busy && !is_ending) return 3;
  if (backlog <= 6) return 1;
  if (backlog <= 12) return -1;
  return -5;
}

// With time to compress well, more in one piece compresses better. Under a limit, what does not fit any more
// is a small part of it.
std::size_t size_of_batches(const WriterOptions& options) {
  constexpr std::uint64_t least = 16 << 10;
  if (options.level != 0) return 16 * batch_bytes;
  if (options.max_size == 0) return batch_bytes;
  return std::clamp<std::uint64_t>(options.max_size / 64, least, batch_bytes);
}

bool is_large(const Event& event) {
  std::size_t total = 0;
  for (const Data& data : event.data) total += data.bytes.size();
  return total > large_event;
}

// For each piece of the event the hashes of its blocks, as `store` returns them; none for small ones.
template <class Store>
std::vector<std::vector<BlockHash>> store_large(const Event& event, const Store& store) {
  std::vector<std::vector<BlockHash>> hashes(event.data.size());
  for (std::size_t i = 0; i < event.data.size(); ++i) {
    const std::span<const std::byte> bytes = event.data[i].bytes;
    if (bytes.size() < large_piece) continue;
    for_blocks(bytes, [&](std::span<const std::byte> block) { hashes[i].push_back(store(block)); });
  }
  return hashes;
}

// Roughly, for the decision when to cut.
std::size_t bytes_of(const Extra& extra) {
  return sizeof extra + extra.xstate.size() + extra.siginfo.size() + extra.mappings.size() * sizeof(Mapping) +
         extra.text.size();
}

}  // namespace

class TraceWriter::Impl {
 public:
  using Keeper = std::shared_ptr<const void>;

  Impl(const std::string& path, const TraceHeader& header, const WriterOptions& options)
      : chunks_(path, header, options.max_size),
        level_(options.level),
        batch_bytes_(size_of_batches(options)),
        batch_age_ns_(options.level == 0 ? batch_age_ns : ~std::uint64_t{0} / 4),
        thread_(thread_without_signals([this] { run(); })) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  EventNumber append(const Event& event, const Keeper& keeper);
  void append_late(std::uint32_t count, std::size_t size, std::unique_ptr<EventSource> source);
  BlockHash add_block(std::span<const std::byte> bytes, RawBytes owned);
  RawBytes block_memory(std::size_t size);
  ContentId add_content(const Content& content);
  void extend_content(ContentId id, std::span<const Content::Block> blocks);
  void extend_content_late(ContentId id, UniqueFd file, std::span<const std::uint64_t> indices);
  void read_late_blocks(ContentId id);
  void finish(TraceSummary summary);
  [[nodiscard]] std::uint64_t bytes_written() const { return chunks_.bytes_written(); }
  void run_on(const cpu_set_t& processors) {
    (void)::pthread_setaffinity_np(thread_.native_handle(), sizeof processors, &processors);
  }
  [[nodiscard]] std::uint64_t events_written() const { return chunks_.events_written(); }
  [[nodiscard]] bool has_ended_early() const { return has_ended_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::optional<std::string> why_ended_early() const {
    const Lock lock(mutex_);
    return why_ended_;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void check(const Lock&) const;
  EventBatch& open_batch(const Lock&);
  EventNumber put(Lock& lock, const Event& event, std::span<const std::vector<BlockHash>> in_blocks,
                  const Keeper& keeper);
  void cut_if_full(Lock& lock);
  void cut(const Lock&);
  void run();
  bool wait_for_batch(Lock& lock);
  [[nodiscard]] bool is_worth_beginning(const EventBatch& batch) const;
  [[nodiscard]] bool is_missing(const Lock& lock, const EventBatch& batch, const BlockHash& hash);
  void hash_blocks_of(EventBatch& batch);
  void read_late_blocks_of(EventBatch& batch);
  void write(EventBatch& batch, int level);
  void stop();

  ChunkWriter chunks_;  // the thread's, until it has been joined
  int level_;
  std::size_t batch_bytes_;
  std::uint64_t batch_age_ns_;

  mutable std::mutex mutex_;       // for all below
  std::condition_variable wake_;   // for the thread: a batch to write, or one that begins to age, or the end
  std::condition_variable space_;  // for append(): the queue has become shorter
  std::unique_ptr<EventBatch> open_ = std::make_unique<EventBatch>();
  std::uint64_t open_since_ns_ = 0;
  std::deque<std::unique_ptr<EventBatch>> queue_;
  std::vector<std::unique_ptr<EventBatch>> spare_;
  BlockMemory block_memory_{max_block_bytes};
  std::map<BlockHash, std::uint64_t> known_blocks_;  // and the number of the batch that has them
  std::map<ContentId, std::size_t> late_blocks_;     // how many are still to be read
  std::vector<Content> contents_;                    // by id
  std::uint64_t next_event_ = 0;
  std::uint64_t batches_ = 0;
  std::optional<std::string> why_ended_;
  std::atomic<bool> has_ended_ = false;  // why_ended_ is there
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

void TraceWriter::Impl::check(const Lock&) const {
  ENSURE(!stopping_, "the trace has been finished already");
}

// The batch to put something into, which the caller then does.
EventBatch& TraceWriter::Impl::open_batch(const Lock& lock) {
  check(lock);
  if (open_->is_empty()) {
    open_->first = EventNumber(next_event_);
    open_->number = ++batches_;
    open_since_ns_ = monotonic_ns();
    wake_.notify_one();
  }
  return *open_;
}

void TraceWriter::Impl::cut(const Lock&) {
  open_->cut_ns = monotonic_ns();
  queue_.push_back(std::move(open_));
  if (spare_.empty()) {
    open_ = std::make_unique<EventBatch>();
  } else {
    open_ = std::move(spare_.back());
    spare_.pop_back();
  }
  wake_.notify_one();
}

void TraceWriter::Impl::cut_if_full(Lock& lock) {
  if (open_->bytes() < batch_bytes_) return;
  cut(lock);
  // (One with a block to be read takes hardly any memory yet.)
  const auto takes_memory = [](const auto& batch) { return batch->late_blocks.empty(); };
  space_.wait(lock, [&] {
    return static_cast<std::size_t>(std::ranges::count_if(queue_, takes_memory)) < max_queued || why_ended_;
  });
}

EventNumber TraceWriter::Impl::put(Lock& lock, const Event& event,
                                   std::span<const std::vector<BlockHash>> in_blocks, const Keeper& keeper) {
  EventBatch& batch = open_batch(lock);
  batch.add(event, in_blocks, keeper);
  if (keeper != nullptr && is_worth_beginning(batch)) wake_.notify_one();
  if (event.extra != nullptr) {
    batch.extras.emplace_back(batch.count - 1, *event.extra);
    batch.extra_bytes += bytes_of(*event.extra);
  }
  const EventNumber number(next_event_++);
  cut_if_full(lock);
  return number;
}

EventNumber TraceWriter::Impl::append(const Event& event, const Keeper& keeper) {
  if (has_ended_early()) {
    const Lock lock(mutex_);
    return EventNumber(next_event_++);
  }
  std::vector<std::vector<BlockHash>> in_blocks;
  if (is_large(event)) {
    in_blocks = store_large(event, [&](std::span<const std::byte> block) {
      return keeper != nullptr ? BlockHash{} : add_block(block, {});
    });
  }
  Lock lock(mutex_);
  return put(lock, event, in_blocks, keeper);
}

void TraceWriter::Impl::append_late(std::uint32_t count, std::size_t size,
                                    std::unique_ptr<EventSource> source) {
  Lock lock(mutex_);
  if (!why_ended_) open_batch(lock).add_late(count, size, std::move(source));
  next_event_ += count;
  if (!why_ended_) cut_if_full(lock);
}

// `owned`: the memory that `bytes` are in, if it is for the writer to keep.
BlockHash TraceWriter::Impl::add_block(std::span<const std::byte> bytes, RawBytes owned) {
  ENSURE(bytes.size() <= content_block_size, "a block of {} bytes", bytes.size());
  const BlockHash hash = hash_of_block(bytes);
  Lock lock(mutex_);
  check(lock);
  if (why_ended_) return hash;
  if (known_blocks_.contains(hash)) {
    block_memory_.keep(owned);
    return hash;
  }
  if (owned.size() == 0) {
    lock.unlock();  // up to 1 MiB: not while others wait
    owned = block_memory(bytes.size());
    std::copy(bytes.begin(), bytes.end(), owned.span().begin());
    bytes = owned.span();
    lock.lock();
  }
  EventBatch& batch = open_batch(lock);
  if (!known_blocks_.emplace(hash, batch.number).second) return hash;  // another thread was faster
  block_memory_.begin_use(owned);
  batch.extra_bytes += bytes.size() + sizeof(EventBatch::Block);
  batch.blocks.push_back({hash, bytes, std::move(owned), nullptr});
  if (is_worth_beginning(batch)) wake_.notify_one();
  cut_if_full(lock);
  return hash;
}

RawBytes TraceWriter::Impl::block_memory(std::size_t size) {
  Lock lock(mutex_);
  RawBytes memory = block_memory_.take();
  lock.unlock();
  if (memory.room() > 2 * size) memory = {};
  memory.resize(size);
  return memory;
}

ContentId TraceWriter::Impl::add_content(const Content& content) {
  for (const Content::Block& block : content.blocks)
    ENSURE(block_is_inside(block, content.size), "block {} of {}, {} bytes", block.index, content.path,
           content.size);
  Lock lock(mutex_);
  const ContentId id(static_cast<std::uint32_t>(contents_.size()));
  contents_.push_back(content);
  contents_.back().id = id;
  if (why_ended_) return id;
  EventBatch& batch = open_batch(lock);
  // Contents of a batch are announced before all its events: so this one comes too early, which harms nobody.
  batch.contents.push_back(contents_.back());
  batch.extra_bytes += sizeof content + content.blocks.size() * sizeof(Content::Block);
  cut_if_full(lock);
  return id;
}

void TraceWriter::Impl::extend_content(ContentId id, std::span<const Content::Block> blocks) {
  Lock lock(mutex_);
  if (why_ended_) return;
  EventBatch& batch = open_batch(lock);
  ENSURE(id.value() < contents_.size(), "content {}", id);
  Content& content = contents_[id.value()];
  for (const Content::Block& block : blocks)
    ENSURE(block_is_inside(block, content.size), "block {} of {}, {} bytes", block.index, content.path,
           content.size);
  content.blocks.insert(content.blocks.end(), blocks.begin(), blocks.end());
  batch.contents.push_back({id, {}, 0, {blocks.begin(), blocks.end()}});
  batch.extra_bytes += sizeof content + blocks.size_bytes();
  cut_if_full(lock);
}

void TraceWriter::Impl::extend_content_late(ContentId id, UniqueFd file,
                                            std::span<const std::uint64_t> indices) {
  const auto shared = std::make_shared<const UniqueFd>(std::move(file));
  Lock lock(mutex_);
  for (const std::uint64_t index : indices) {
    if (why_ended_) return;
    EventBatch& batch = open_batch(lock);
    ENSURE(id.value() < contents_.size(), "content {}", id);
    const Content& content = contents_[id.value()];
    ENSURE(block_is_inside({index, {}}, content.size), "block {} of {}, {} bytes", index, content.path,
           content.size);
    batch.extra_bytes += content_block_size;
    batch.late_blocks.push_back({id, content.size, index, shared});
    ++late_blocks_[id];
    if (is_worth_beginning(batch)) wake_.notify_one();
    cut_if_full(lock);
  }
}

void TraceWriter::Impl::read_late_blocks(ContentId id) {
  Lock lock(mutex_);
  if (!late_blocks_.contains(id)) return;
  if (!open_->late_blocks.empty()) cut(lock);
  space_.wait(lock, [&] { return !late_blocks_.contains(id) || why_ended_; });
}

// Whether the file does not have the block, nor will before the batch; it is the batch's then. Once more
// where only a later one has it: that may be lost.
bool TraceWriter::Impl::is_missing(const Lock&, const EventBatch& batch, const BlockHash& hash) {
  const auto [known, is_new] = known_blocks_.emplace(hash, batch.number);
  if (!is_new && known->second <= batch.number) return false;
  known->second = batch.number;
  return true;
}

// On the writer's thread, of a batch that nobody else uses. (What it hashes it writes next: so it comes from
// another processor's cache once.)
void TraceWriter::Impl::hash_blocks_of(EventBatch& batch) {
  for (EventBatch::UnhashedBlock& block : batch.unhashed_blocks) {
    const BlockHash hash = hash_of_block(block.bytes);
    std::memcpy(&batch.heap[block.in_heap], &hash, sizeof hash);
    const Lock lock(mutex_);
    if (is_missing(lock, batch, hash))
      batch.blocks.push_back({hash, block.bytes, {}, std::move(block.keeper)});
  }
}

// On the writer's thread, too.
void TraceWriter::Impl::read_late_blocks_of(EventBatch& batch) {
  for (const EventBatch::LateBlock& late : batch.late_blocks) {
    const std::uint64_t start = late.index * content_block_size;
    RawBytes bytes = block_memory(std::min(content_block_size, late.content_size - start));
    read_file_part_or_zeros(late.file->get(), start, bytes.span());
    const Content::Block block{late.index, hash_of_block(bytes.span())};
    const Lock lock(mutex_);
    if (is_missing(lock, batch, block.hash)) {
      block_memory_.begin_use(bytes);
      const std::span<const std::byte> span = bytes.span();
      batch.blocks.push_back({block.hash, span, std::move(bytes), nullptr});
    } else {
      block_memory_.keep(bytes);
    }
    contents_[late.content.value()].blocks.push_back(block);
    batch.contents.push_back({late.content, {}, 0, {block}});
    if (--late_blocks_[late.content] == 0) late_blocks_.erase(late.content);
  }
  if (!batch.late_blocks.empty()) space_.notify_all();
}

// The writer's thread: takes batches off the queue until the end, and cuts one that has become old.
void TraceWriter::Impl::run() {
  constexpr std::uint64_t young_ns = 1'000'000'000;
  const std::uint64_t started_ns = monotonic_ns();
  std::uint64_t worked_ns = 0;
  Lock lock(mutex_);
  while (wait_for_batch(lock)) {
    std::unique_ptr<EventBatch> batch = std::move(queue_.front());
    queue_.pop_front();
    const std::size_t backlog = queue_.size();
    const bool is_lost = why_ended_.has_value();
    const bool is_ending = stopping_;
    lock.unlock();
    space_.notify_all();
    const std::uint64_t began_ns = monotonic_ns();
    const bool is_young = began_ns - started_ns < young_ns;
    const bool is_busy = 3 * worked_ns > began_ns - started_ns;
    if (!is_lost)
      write(*batch, level_ != 0 ? level_ : level_for(*batch, backlog, is_young, is_busy, is_ending));
    worked_ns += monotonic_ns() - began_ns;
    lock.lock();
    for (EventBatch::Block& block : batch->blocks) block_memory_.end_use(block.own);
    lock.unlock();
    batch->clear();
    lock.lock();
    if (spare_.size() < max_spare) spare_.push_back(std::move(batch));
  }
}

// So much of files that a thread with nothing else to do had better begin: at the end of a short recording
// somebody would wait for it. (Blocks are compressed one by one; events, better in large batches.)
bool TraceWriter::Impl::is_worth_beginning(const EventBatch& batch) const {
  constexpr std::size_t least = 256 << 10;
  return level_ == 0 && batch.has_blocks() && batch.extra_bytes >= least;
}

// True: the queue has one. False: there will be no more.
bool TraceWriter::Impl::wait_for_batch(Lock& lock) {
  while (queue_.empty()) {
    const bool is_due = !open_->is_empty() && (stopping_ || is_worth_beginning(*open_) ||
                                               monotonic_ns() >= open_since_ns_ + batch_age_ns_);
    if (is_due) {
      cut(lock);
    } else if (stopping_) {
      return false;
    } else if (open_->is_empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_for(lock, std::chrono::nanoseconds(open_since_ns_ + batch_age_ns_ - monotonic_ns()));
    }
  }
  return true;
}

void TraceWriter::Impl::write(EventBatch& batch, int level) {
  std::string why;
  try {
    read_late_blocks_of(batch);
    hash_blocks_of(batch);
    chunks_.write(batch, level);
    return;
  } catch (const Error& error) {
    why = error.what();
  } catch (const std::exception& error) {  // out of memory, a bug: finish() has to hear of it
    why = fmt::format("cannot write the trace: {}", error.what());
  }
  const Lock lock(mutex_);
  why_ended_ = std::move(why);
  has_ended_ = true;
  space_.notify_all();
}

void TraceWriter::Impl::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void TraceWriter::Impl::finish(TraceSummary summary) {
  { check(Lock(mutex_)); }
  stop();
  if (!why_ended_) {
    try {
      chunks_.finish(contents_, summary);
      return;
    } catch (const Error& error) {
      why_ended_ = error.what();
      has_ended_ = true;
    }
  }
  try {
    chunks_.finish_early(contents_, summary, *why_ended_);
  } catch (const Error&) {
    throw Error(*why_ended_);  // the first failure is the one to report
  }
}

TraceWriter::TraceWriter(const std::string& path, const TraceHeader& header, const WriterOptions& options)
    : impl_(std::make_unique<Impl>(path, header, options)) {}
TraceWriter::TraceWriter(TraceWriter&&) noexcept = default;
TraceWriter& TraceWriter::operator=(TraceWriter&&) noexcept = default;
TraceWriter::~TraceWriter() = default;

EventNumber TraceWriter::append(const Event& event, const std::shared_ptr<const void>& keeper) {
  return impl_->append(event, keeper);
}
void TraceWriter::append_late(std::uint32_t count, std::size_t size, std::unique_ptr<EventSource> source) {
  impl_->append_late(count, size, std::move(source));
}
BlockHash TraceWriter::add_block(std::span<const std::byte> bytes) { return impl_->add_block(bytes, {}); }
BlockHash TraceWriter::add_block(RawBytes bytes) {
  const std::span<const std::byte> span = bytes.span();
  return impl_->add_block(span, std::move(bytes));
}
RawBytes TraceWriter::block_memory(std::size_t size) { return impl_->block_memory(size); }
ContentId TraceWriter::add_content(const Content& content) { return impl_->add_content(content); }
void TraceWriter::extend_content(ContentId id, std::span<const Content::Block> blocks) {
  impl_->extend_content(id, blocks);
}
void TraceWriter::extend_content_late(ContentId id, UniqueFd file, std::span<const std::uint64_t> indices) {
  impl_->extend_content_late(id, std::move(file), indices);
}
void TraceWriter::read_late_blocks(ContentId id) { impl_->read_late_blocks(id); }
void TraceWriter::finish(TraceSummary summary) { impl_->finish(summary); }
void TraceWriter::run_on(const cpu_set_t& processors) { impl_->run_on(processors); }
bool TraceWriter::has_ended_early() const { return impl_->has_ended_early(); }
std::optional<std::string> TraceWriter::why_ended_early() const { return impl_->why_ended_early(); }
std::uint64_t TraceWriter::events_written() const { return impl_->events_written(); }
std::uint64_t TraceWriter::bytes_written() const { return impl_->bytes_written(); }

}  // namespace rec
