internal import CCurl

/// A libcurl multi handle. Touched by its agent's thread only; what others may do is ``WakeUp``.
final class MultiHandle {
    /// Makes ``poll(_:timeout:)`` return, now or at its next call.
    /// The handle lives as long as the process. https://curl.se/libcurl/c/curl_multi_wakeup.html
    struct WakeUp: @unchecked Sendable {  // A pointer, for the one call that libcurl allows from any thread.
        fileprivate let raw: UnsafeMutableRawPointer

        func callAsFunction() { curl_multi_wakeup(raw) }
    }

    private let raw: UnsafeMutableRawPointer

    init() throws(CurlError) {
        guard Self.isInitialized, let raw = curl_multi_init() else { throw CurlError(CURLE_FAILED_INIT) }
        self.raw = raw
    }

    /// Without easy handles in it. https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit { curl_multi_cleanup(raw) }

    var wakeUp: WakeUp { WakeUp(raw: raw) }

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

    /// Moves every transfer on as far as it goes without waiting; calls their callbacks.
    func perform() {
        var running: Int32 = 0
        curl_multi_perform(raw, &running)
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

    /// Waits for a socket of libcurl's, one of `descriptors`, a wake-up or libcurl's own timers.
    /// https://curl.se/libcurl/c/curl_multi_poll.html
    func poll(_ descriptors: inout [curl_waitfd], timeout milliseconds: Int32) {
        let count = UInt32(descriptors.count)
        descriptors.withUnsafeMutableBufferPointer {
            _ = curl_multi_poll(raw, $0.baseAddress, count, milliseconds, nil)
        }
    }
}
