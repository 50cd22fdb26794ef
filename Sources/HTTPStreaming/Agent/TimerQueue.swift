internal import Platform

/// The times when transfers have something to do: a heap, with the earliest first.
///
/// A key has one time at most, the last that was set. Outdated entries stay in the heap until their time and are skipped.
struct TimerQueue<Key: Hashable> {
    private var heap: [(time: Instant, key: Key)] = []
    private var times: [Key: Instant] = [:]

    /// The earliest time; it may be an outdated one.
    var next: Instant? { heap.first?.time }

    /// - Parameter time: nil to remove the key.
    mutating func set(_ time: Instant?, for key: Key) {
        guard times[key] != time else { return }
        times[key] = time
        guard let time else { return }
        heap.append((time, key))
        rise(from: heap.count - 1)
        // Remove outdated entries when they are most of the heap.
        if heap.count > 64, heap.count > 4 * times.count { rebuild() }
    }

    /// Removes and returns the next key whose time has passed.
    mutating func pop(at now: Instant) -> Key? {
        while let first = heap.first, first.time <= now {
            removeFirst()
            guard times[first.key] == first.time else { continue }
            times[first.key] = nil
            return first.key
        }
        return nil
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        sink(from: 0)
    }

    private mutating func rebuild() {
        heap = times.map { ($0.value, $0.key) }
        heap.sort { $0.time < $1.time }
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0, heap[index].time < heap[(index - 1) / 2].time {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].time < heap[least].time
            {
                least = child
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
