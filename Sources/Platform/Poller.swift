internal import Synchronization

/// Waits until one of many descriptors is ready or another thread wakes the waiting one. The time that takes does not
/// grow with the number of descriptors where there is epoll(7). One thread waits; any thread may change what it waits
/// for, also meanwhile.
package final class Poller: Sendable {
    /// The kinds of readiness of a descriptor.
    package struct Interest: OptionSet, Hashable {
        package let rawValue: UInt8

        @inlinable
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        @inlinable package static var read: Interest { Interest(rawValue: 1) }
        @inlinable package static var write: Interest { Interest(rawValue: 2) }
        /// The end of the connection or an error: reported without being asked for.
        @inlinable package static var failure: Interest { Interest(rawValue: 4) }
    }

    package struct Event {
        package let descriptor: Int32
        package let ready: Interest
    }

    /// Makes ``wait(until:)`` return: the current call or the next one.
    package func wakeUp() {
        // An eventfd takes eight bytes, a pipe any number. If it is full, the wake-up is already pending.
        var one: UInt64 = 1
        _ = write(wakeUpsIn.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Rounded up, so that no wait ends too early; a minute at most.
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

    package init() throws(SystemError) {
        epoll = try Descriptor { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        wakeUpsIn = try Descriptor { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        alarm = try Descriptor { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)) }
        set(.read, for: wakeUpsIn.raw)
        set(.read, for: alarm.raw)
    }

    /// Sets what to wait for on a descriptor; an empty interest removes it.
    ///
    /// The system forgets a descriptor that is closed, and may give its number to another one: hence no state is kept
    /// here.
    package func set(_ interest: Interest, for descriptor: Int32) {
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

    /// Makes ``wait(until:)`` return at that time, once. Replaces the time of an earlier call.
    package func setAlarm(at time: Instant) {
        // Zero would disarm the timer.
        let (seconds, attoseconds) = max(time - .now, .nanoseconds(1)).components
        var setting = itimerspec()
        setting.it_value.tv_sec = Int(seconds)
        setting.it_value.tv_nsec = Int(attoseconds / 1_000_000_000)
        _ = timerfd_settime(alarm.raw, 0, &setting, nil)
    }

    /// Waits until that time at most; returns the descriptors that are ready.
    package func wait(until time: Instant?) -> [Event] {
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
        /// A thread waits for what was set before.
        var isWaiting = false
    }

    private let wakeUpsIn: Descriptor
    private let wakeUpsOut: Descriptor
    private let state = Mutex(State())

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        wakeUpsOut = try Descriptor { pipe(&ends) == 0 ? ends[0] : -1 }
        wakeUpsIn = try Descriptor { ends[1] }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        set(.read, for: wakeUpsOut.raw)
    }

    /// Sets what to wait for on a descriptor; an empty interest removes it.
    package func set(_ interest: Interest, for descriptor: Int32) {
        change { $0.interests[descriptor] = interest.isEmpty ? nil : interest }
    }

    /// Makes ``wait(until:)`` return at that time, once. Replaces the time of an earlier call.
    package func setAlarm(at time: Instant) {
        change { $0.alarm = time }
    }

    private func change(_ body: (inout State) -> Void) {
        let mustWake = state.withLock { state in
            body(&state)
            return state.isWaiting
        }
        if mustWake { wakeUp() }
    }

    /// Waits until that time at most; returns the descriptors that are ready.
    package func wait(until time: Instant?) -> [Event] {
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
            // The descriptor was closed elsewhere: it would be reported for ever.
            if entry.revents & Int16(POLLNVAL) != 0 { state.withLock { $0.interests[entry.fd] = nil } }
            events.append(Event(descriptor: entry.fd, ready: ready))
        }
        return events
    }
    #endif

    /// Reads and discards the bytes of a wake-up.
    private func drain(_ descriptor: Int32) {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
            _ = read(descriptor, buffer.baseAddress, buffer.count)
        }
    }
}
