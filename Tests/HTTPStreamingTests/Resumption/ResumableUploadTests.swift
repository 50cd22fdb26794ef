import Testing

@testable import HTTPStreaming

/// The decisions about an upload that can be resumed, without a server.
@Suite("Resumable upload, decisions")
struct ResumableUploadTests {
    private typealias Circumstances = ResumableUpload.Circumstances

    private func upload(attempts: Int = 3, maximumTime: Duration = .seconds(300)) -> ResumableUpload {
        ResumableUpload(
            Client.Retry(attempts: attempts, delay: .seconds(1), maximumDelay: .seconds(4), maximumTime: maximumTime))
    }

    private func answered(
        _ status: Int, offset: Int64? = nil, isComplete: Bool? = nil, retryAfter: Duration? = nil
    ) -> ResumableUpload.Event {
        .answered(UploadAnswer(status: status, offset: offset, isComplete: isComplete, retryAfter: retryAfter))
    }

    @Test("an interruption asks for the offset, and the body goes on from there") func interrupted() {
        var upload = upload()
        let sent = Circumstances(sentTo: 500, length: 1000)
        #expect(upload.next(after: .interrupted, sent) == .ask(after: .seconds(1)))
        #expect(upload.state == .asking)
        #expect(
            upload.next(after: answered(204, offset: 400, isComplete: false), sent) == .append(from: 400, after: .zero))
        #expect(upload.state == .appending(from: 400))
        #expect(upload.next(after: answered(201), Circumstances(sentTo: 1000)) == .finish)
        #expect(upload.next(after: .interrupted, sent) == .finish)
    }

    @Test("attempts without progress are limited, and their delays double; progress begins again") func attempts() {
        var upload = upload()
        let sent = Circumstances(sentTo: 500)
        #expect(upload.next(after: .interrupted, sent) == .ask(after: .seconds(1)))
        #expect(upload.next(after: .interrupted, sent) == .ask(after: .seconds(2)))
        #expect(upload.next(after: answered(204, offset: 0), sent) == .append(from: 0, after: .zero))
        #expect(upload.next(after: .interrupted, sent) == .finish)

        upload = self.upload()
        for offset in 1...20 {
            #expect(upload.next(after: .interrupted, sent) == .ask(after: .seconds(1)))
            let told = answered(204, offset: Int64(offset))
            #expect(upload.next(after: told, sent) == .append(from: Int64(offset), after: .zero))
        }
        // What a 104 acknowledged is progress as well.
        #expect(upload.next(after: .interrupted, sent) == .ask(after: .seconds(1)))
        let acknowledged = Circumstances(sentTo: 500, acknowledged: 300)
        #expect(upload.next(after: .interrupted, acknowledged) == .ask(after: .seconds(1)))
    }

    @Test("the sum of the delays is limited, not the time of sending") func maximumTime() {
        var upload = upload(attempts: 100, maximumTime: .seconds(8))
        for delay in [1, 2, 4] {
            #expect(upload.next(after: .interrupted, Circumstances()) == .ask(after: .seconds(delay)))
        }
        #expect(upload.next(after: .interrupted, Circumstances()) == .finish)
    }

    @Test(
        "temporary statuses are an interruption, Retry-After is respected", arguments: [408, 423, 425, 429, 500, 503])
    func temporary(status: Int) {
        var upload = upload()
        let sent = Circumstances(sentTo: 9)
        #expect(upload.next(after: answered(status, retryAfter: .seconds(7)), sent) == .ask(after: .seconds(7)))
        #expect(upload.next(after: answered(status), sent) == .ask(after: .seconds(2)))
        guard case .fail = upload.next(after: answered(status), sent) else {
            Issue.record("an answer to the question is no answer to the request")
            return
        }
    }

    @Test("a response with Upload-Complete: ?1 is the result, whatever its status is", arguments: [200, 400, 409, 500])
    func complete(status: Int) {
        var created = upload()
        #expect(created.next(after: answered(status, isComplete: true), Circumstances()) == .finish)
        var appended = upload()
        _ = appended.next(after: .interrupted, Circumstances())
        _ = appended.next(after: answered(204, offset: 0), Circumstances())
        #expect(appended.next(after: answered(status, isComplete: true), Circumstances()) == .finish)
    }

    @Test("other refusals are the result", arguments: [400, 401, 403, 413, 415])
    func refused(status: Int) {
        var created = upload()
        #expect(created.next(after: answered(status), Circumstances()) == .finish)
        var asked = upload()
        _ = asked.next(after: .interrupted, Circumstances())
        guard case .fail(let reason) = asked.next(after: answered(status), Circumstances()) else {
            Issue.record("not an error")
            return
        }
        #expect(reason.contains("\(status)"))
    }

    @Test("a success that says the upload is not complete is an interruption") func incomplete() {
        var upload = upload()
        #expect(upload.next(after: answered(201, isComplete: false), Circumstances()) == .ask(after: .seconds(1)))
    }

    @Test("409 corrects the offset") func conflict() {
        var upload = upload()
        let sent = Circumstances(sentTo: 500)
        _ = upload.next(after: .interrupted, sent)
        _ = upload.next(after: answered(204, offset: 400), sent)
        #expect(upload.next(after: answered(409, offset: 300), sent) == .append(from: 300, after: .seconds(1)))
        #expect(upload.state == .appending(from: 300))
        #expect(upload.next(after: answered(409), sent) == .ask(after: .seconds(2)))
    }

    @Test("an offset beyond the bytes that were sent is an error") func ahead() {
        let sent = Circumstances(sentTo: 500, length: 1000)
        var asked = upload()
        _ = asked.next(after: .interrupted, sent)
        #expect(
            asked.next(after: answered(204, offset: 501), sent)
                == .fail("the server claims to have 501 bytes, but only 500 have been sent"))
        var conflicting = upload()
        _ = conflicting.next(after: .interrupted, sent)
        _ = conflicting.next(after: answered(204, offset: 500), sent)
        guard case .fail = conflicting.next(after: answered(409, offset: 501), sent) else {
            Issue.record("not an error")
            return
        }
        var silent = upload()
        _ = silent.next(after: .interrupted, sent)
        #expect(silent.next(after: answered(204), sent) == .fail("the server does not say how many bytes it has"))
    }

    @Test("a lost response is asked for by the end of the body; only the whole body counts as complete")
    func lostAnswer() {
        let sent = Circumstances(sentTo: 1000, isWholeSent: true, length: 1000)
        var upload = upload()
        _ = upload.next(after: .interrupted, sent)
        let told = answered(204, offset: 1000, isComplete: true)
        #expect(upload.next(after: told, sent) == .append(from: 1000, after: .zero))
        #expect(upload.state == .fetching(end: 1000))
        var other = upload
        #expect(upload.next(after: answered(201), sent) == .finish)
        guard case .fail(let reason) = other.next(after: answered(410), sent) else {
            Issue.record("410 is not the response of the request")
            return
        }
        #expect(reason.contains("its response was lost"))

        var short = self.upload()
        _ = short.next(after: .interrupted, sent)
        guard case .fail = short.next(after: answered(204, offset: 900, isComplete: true), sent) else {
            Issue.record("the server has less than the body")
            return
        }
    }

    @Test("a forgotten upload begins again, unless it may have been complete") func forgotten() {
        let cases: [(Circumstances, Bool)] = [
            (Circumstances(sentTo: 500), true), (Circumstances(sentTo: 500, isRepeatable: false), false),
            (Circumstances(sentTo: 500, isWholeSent: true), false),
            (Circumstances(sentTo: 500, isWholeSent: true, mayRepeat: true), true),
        ]
        for (circumstances, begins) in cases {
            for status in [404, 410] {
                var upload = upload()
                _ = upload.next(after: .interrupted, circumstances)
                let action = upload.next(after: answered(status), circumstances)
                if begins {
                    #expect(action == .create(after: .seconds(2)))
                    #expect(upload.state == .creating)
                } else {
                    guard case .fail = action else {
                        Issue.record("\(circumstances) begins again")
                        return
                    }
                }
            }
        }
    }
}
