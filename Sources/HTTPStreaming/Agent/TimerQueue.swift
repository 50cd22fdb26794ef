internal import Platform

/// When to look at transfers again: the earliest first, in a time that hardly grows with their number.
///
/// Each has one time at most that counts, the last that was set; entries of earlier ones stay in the
/// heap until their time, and are passed over.
struct TimerQueue<Key: Hashable> {
    private var heap: [(time: Instant, key: Key)] = []
    private var times: [Key: Instant] = [:]

    /// The earliest.
    var next: Instant? { heap.first?.time }

    /// - Parameter time: nil for never.
    mutating func set(_ time: Instant?, for key: Key) {
        guard times[key] != time else { return }
        times[key] = time
        guard let time else { return }
        heap.append((time, key))
        rise(from: heap.count - 1)
        // What is set again and again leaves entries behind.
        if heap.count > 64, heap.count > 4 * times.count { rebuild() }
    }

    /// The next whose time has come; it has none any more.
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
