internal import Platform
internal import Synchronization

/// Waits until one of many descriptors is ready, or another thread says so: in a time that does not
/// grow with the number of those that are not, by epoll(7), where there is one. One thread waits; what for, any
/// may change, meanwhile too.
final class Poller: Sendable {
    /// What a descriptor is waited for, or is ready for.
    struct Interest: OptionSet, Hashable {
        let rawValue: UInt8

        static let read = Interest(rawValue: 1)
        static let write = Interest(rawValue: 2)
        /// Its end, or an error: never asked for, always told.
        static let failure = Interest(rawValue: 4)
    }

    struct Event {
        let descriptor: Int32
        let ready: Interest
    }

    /// Has ``wait(until:)`` return, now or at its next call.
    func wakeUp() {
        // An eventfd takes eight bytes, a pipe any number. When it is full, it has been heard.
        var one: UInt64 = 1
        _ = write(wakeUpsIn.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Rounded up: who wakes too early has to wait once more. A minute at most.
    private static func milliseconds(until time: Instant?) -> Int32 {
        guard let time else { return 60_000 }
        let left = time - .now
        return left <= .zero ? 0 : Int32(min(left / .milliseconds(1) + 1, 60_000))
    }

    #if os(Linux)
    private let epoll: Descriptor
    private let wakeUpsIn: Descriptor
    private let alarm: Descriptor
    private static let eventsAtMost = 64

    init() throws(SystemError) {
        epoll = try Descriptor { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        wakeUpsIn = try Descriptor { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        alarm = try Descriptor { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)) }
        set(.read, for: wakeUpsIn.raw)
        set(.read, for: alarm.raw)
    }

    /// Waits for a descriptor from now on, or, with no interest, no more.
    ///
    /// A descriptor that was closed is forgotten by the system; what has its number then is another
    /// one, so that nothing is taken for known here.
    func set(_ interest: Interest, for descriptor: Int32) {
        var event = epoll_event()
        event.data.fd = descriptor
        if interest.contains(.read) { event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
        if interest.isEmpty {
            _ = epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, &event)
        } else if epoll_ctl(epoll.raw, EPOLL_CTL_MOD, descriptor, &event) != 0 {
            _ = epoll_ctl(epoll.raw, EPOLL_CTL_ADD, descriptor, &event)
        }
    }

    /// Has ``wait(until:)`` return at that time, once, in place of any other that was set here.
    func setAlarm(at time: Instant) {
        // Zero would mean never.
        let (seconds, attoseconds) = max(time - .now, .nanoseconds(1)).components
        var setting = itimerspec()
        setting.it_value.tv_sec = Int(seconds)
        setting.it_value.tv_nsec = Int(attoseconds / 1_000_000_000)
        _ = timerfd_settime(alarm.raw, 0, &setting, nil)
    }

    /// Waits, until that time at most; returns what is ready.
    func wait(until time: Instant?) -> [Event] {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.eventsAtMost) { found in
            let count = epoll_wait(epoll.raw, found.baseAddress, Int32(found.count), Self.milliseconds(until: time))
            var events: [Event] = []
            for event in found.prefix(max(0, Int(count))) {
                guard event.data.fd != wakeUpsIn.raw, event.data.fd != alarm.raw else {
                    drain(event.data.fd)
                    continue
                }
                var ready: Interest = []
                if event.events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { ready.insert(.read) }
                if event.events & EPOLLOUT.rawValue != 0 { ready.insert(.write) }
                if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { ready.insert(.failure) }
                events.append(Event(descriptor: event.data.fd, ready: ready))
            }
            return events
        }
    }
    #else
    private struct State {
        var interests: [Int32: Interest] = [:]
        var alarm: Instant?
        /// Somebody waits, for what was asked for before.
        var isWaiting = false
    }

    private let wakeUpsIn: Descriptor
    private let wakeUpsOut: Descriptor
    private let state = Mutex(State())

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        wakeUpsOut = try Descriptor { pipe(&ends) == 0 ? ends[0] : -1 }
        wakeUpsIn = try Descriptor { ends[1] }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        set(.read, for: wakeUpsOut.raw)
    }

    /// Waits for a descriptor from now on, or, with no interest, no more.
    func set(_ interest: Interest, for descriptor: Int32) {
        change { $0.interests[descriptor] = interest.isEmpty ? nil : interest }
    }

    /// Has ``wait(until:)`` return at that time, once, in place of any other that was set here.
    func setAlarm(at time: Instant) {
        change { $0.alarm = time }
    }

    private func change(_ body: (inout State) -> Void) {
        let mustWake = state.withLock { state in
            body(&state)
            return state.isWaiting
        }
        if mustWake { wakeUp() }
    }

    /// Waits, until that time at most; returns what is ready.
    func wait(until time: Instant?) -> [Event] {
        let (asked, alarm) = state.withLock { state in
            let entries = state.interests.map { descriptor, interest in
                var events: Int16 = 0
                if interest.contains(.read) { events |= Int16(POLLIN) }
                if interest.contains(.write) { events |= Int16(POLLOUT) }
                return pollfd(fd: descriptor, events: events, revents: 0)
            }
            if let alarm = state.alarm, alarm <= .now { state.alarm = nil }
            state.isWaiting = true
            return (entries, state.alarm)
        }
        defer { state.withLock { $0.isWaiting = false } }
        var entries = asked
        let milliseconds = Self.milliseconds(until: .earlier(time, alarm))
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return [] }
        var events: [Event] = []
        for entry in entries where entry.revents != 0 {
            guard entry.fd != wakeUpsOut.raw else {
                drain(entry.fd)
                continue
            }
            var ready: Interest = []
            if entry.revents & Int16(POLLIN) != 0 { ready.insert(.read) }
            if entry.revents & Int16(POLLOUT) != 0 { ready.insert(.write) }
            if entry.revents & Int16(POLLHUP | POLLERR) != 0 { ready.insert(.failure) }
            // Closed behind our back: it would be told for ever.
            if entry.revents & Int16(POLLNVAL) != 0 { state.withLock { $0.interests[entry.fd] = nil } }
            events.append(Event(descriptor: entry.fd, ready: ready))
        }
        return events
    }
    #endif

    /// Takes what has woken the thread, whatever it says.
    private func drain(_ descriptor: Int32) {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
            _ = read(descriptor, buffer.baseAddress, buffer.count)
        }
    }
}
