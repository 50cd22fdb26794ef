internal import CCurl

/// A libcurl multi handle, and the waiting for what its transfers need, and for descriptors of ours.
/// Touched by its agent's thread only.
///
/// libcurl says which sockets it waits for, and until when (the socket interface); its other
/// interface, curl_multi_perform and curl_multi_poll, looks at each transfer each time.
/// <https://curl.se/libcurl/c/libcurl-multi.html>
final class MultiHandle {
    private let raw: UnsafeMutableRawPointer
    private let poller: Poller
    private var events: [Poller.Event] = []
    /// What libcurl waits for, and what we do.
    private var libcurls: [Int32: Poller.Interest] = [:]
    private var ours: Set<Int32> = []
    /// When libcurl is to have its turn, whatever its sockets do.
    private var timer: ContinuousClock.Instant?

    init() throws(ClientError) {
        do throws(SystemError) {
            poller = try Poller()
        } catch {
            throw ClientError(.transport, "nothing can be waited for", underlying: error)
        }
        guard Self.isInitialized, let raw = curl_multi_init() else {
            throw ClientError(CurlError(CURLE_FAILED_INIT))
        }
        self.raw = raw
        setSocketCallbacks()
    }

    /// Without easy handles in it. https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit { curl_multi_cleanup(raw) }

    /// Makes ``wait(until:)`` return, now or at its next call.
    var wakeUp: Poller.WakeUp { poller.wakeUp }

    /// Once in a process, before anything else.
    /// https://curl.se/libcurl/c/curl_global_init.html
    private static let isInitialized = curl_global_init(ccurl_global_default) == CURLE_OK

    /// Whether a transfer ends with its response although sending is paused: from 8.9.0 on, by
    /// libcurl's changelog, whichever version is loaded. https://curl.se/changes.html
    static let endsPausedTransfers = ccurl_version_number() >= 0x080900

    /// Whether bodies can be sent over HTTP/2 as they can over HTTP/1.1: with 8.12 and later all of the
    /// tests pass, with 7.88 they do not; none in between was there to be tested. Not where it was
    /// built without HTTP/2.
    static let sendsHTTP2 = ccurl_version_number() >= 0x080C00 && ccurl_has_http2() != 0

    func add(_ easy: EasyHandle) throws(CurlError) {
        guard curl_multi_add_handle(raw, easy.raw) == CURLM_OK else { throw CurlError(CURLE_FAILED_INIT) }
    }

    /// Ends the transfer; if it was not complete, its connection is closed.
    /// https://curl.se/libcurl/c/curl_multi_remove_handle.html
    func remove(_ easy: EasyHandle) {
        curl_multi_remove_handle(raw, easy.raw)
    }

    /// Gives libcurl its turn if its time has come; calls callbacks.
    func perform() {
        guard let timer, timer <= .now else { return }
        // It sets it anew, if there is another.
        self.timer = nil
        act(ccurl_socket_timeout, 0)
    }

    /// The next transfer that has ended, by its easy handle.
    func nextDone() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(raw, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, message.pointee.data.result)
        }
        return nil
    }

    /// Says whether a descriptor is waited for until it can be read; apart from what libcurl does with
    /// it, if it is a socket of its.
    func watch(_ descriptor: Int32, _ isWatched: Bool) {
        if isWatched { ours.insert(descriptor) } else { ours.remove(descriptor) }
        update(descriptor)
    }

    /// Waits for a socket of libcurl's, a descriptor that is watched, a wake-up, or the time, and gives
    /// libcurl its turn where that is its business; calls callbacks.
    ///
    /// - Returns: the descriptors among those watched that can be read, or have failed.
    func wait(until time: ContinuousClock.Instant?) -> [Int32] {
        events.removeAll(keepingCapacity: true)
        poller.wait(milliseconds: Self.milliseconds(until: [time, timer].compactMap(\.self).min()), adding: &events)
        for event in events where libcurls[event.descriptor] != nil {
            var mask: Int32 = 0
            if event.ready.contains(.read) { mask |= CURL_CSELECT_IN }
            if event.ready.contains(.write) { mask |= CURL_CSELECT_OUT }
            if event.ready.contains(.failure) { mask |= CURL_CSELECT_ERR }
            act(event.descriptor, mask)
        }
        perform()
        return events.filter { ours.contains($0.descriptor) && $0.ready != .write }.map(\.descriptor)
    }

    /// https://curl.se/libcurl/c/curl_multi_socket_action.html
    private func act(_ socket: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(raw, socket, mask, &running)
    }

    /// Rounded up: who wakes too early has to wait once more. A minute at most.
    private static func milliseconds(until time: ContinuousClock.Instant?) -> Int32 {
        guard let time else { return 60_000 }
        let left = time - .now
        return left <= .zero ? 0 : Int32(min(left / .milliseconds(1) + 1, 60_000))
    }

    private func update(_ descriptor: Int32) {
        var interest = libcurls[descriptor] ?? []
        if ours.contains(descriptor) { interest.insert(.read) }
        poller.set(interest, for: descriptor)
    }

    // MARK: Callbacks

    private func setSocketCallbacks() {
        let context = opaque(self)
        ccurl_multi_set_pointer(raw, CURLMOPT_SOCKETDATA, context)
        ccurl_multi_set_pointer(raw, CURLMOPT_TIMERDATA, context)
        ccurl_multi_set_socket_callback(raw) { _, socket, what, context, _ in
            object(context, as: MultiHandle.self)?.socketChanged(socket, what)
            return 0
        }
        ccurl_multi_set_timer_callback(raw) { _, milliseconds, context in
            object(context, as: MultiHandle.self)?.timerChanged(milliseconds)
            return 0
        }
    }

    /// https://curl.se/libcurl/c/CURLMOPT_SOCKETFUNCTION.html
    private func socketChanged(_ socket: curl_socket_t, _ what: Int32) {
        libcurls[socket] =
            switch what {
            case CURL_POLL_IN: .read
            case CURL_POLL_OUT: .write
            case CURL_POLL_INOUT: [.read, .write]
            default: nil
            }
        update(socket)
    }

    /// https://curl.se/libcurl/c/CURLMOPT_TIMERFUNCTION.html
    private func timerChanged(_ milliseconds: Int) {
        timer = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }
}
