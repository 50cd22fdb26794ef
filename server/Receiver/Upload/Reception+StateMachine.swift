import Multipart
import Platform

extension Reception {
    /// Tracks the parts of one request, without I/O: events of the parser and the storage go in, actions for
    /// ``Reception`` come out.
    struct StateMachine: ~Copyable {
        /// How much is kept in memory for the response.
        struct Limits: Hashable, Sendable {
            /// Bytes of one field's value; 64 KiB by default. The rest is counted, but not reported.
            var valueBytes = 64 * 1024
            /// Bytes of the values of all fields; 1 MiB by default. The rest is counted, but not reported.
            var allValueBytes = 1024 * 1024
            var form = Receiver.FormLimits()
        }

        enum ContentAction: Equatable {
            /// The content has been counted and, for a field, kept.
            case none
            case write
            case beginFileAndWrite(named: String)
        }

        private enum State {
            /// → `inFile`, `inUnchosenFile`, `inField`, `complete`, `failed`
            case betweenParts
            /// → `betweenParts`, `failed`
            case inFile
            /// In a part with an empty filename and, so far, no content. If none follows it is a file input that was
            /// left empty in a browser. → `betweenParts`, `inFile`, `failed`
            case inUnchosenFile
            /// → `betweenParts`, `failed`
            case inField
            /// The closing delimiter has been read; the body may continue. → `publishing`, `failed`
            case complete
            /// The body has ended. → `published`, `failed`
            case publishing
            /// Final.
            case published
            /// Final.
            case failed
        }

        private let limits: Limits
        private var state = State.betweenParts
        private var valueBytes = 0
        private var nameBytes = 0
        private var fields = 0
        /// The indices of the parts that are files of the storage.
        private var files: [Int] = []
        /// In the order of the message; the last one is being read.
        private(set) var parts: [ReceivedPart] = []

        init(limits: Limits = Limits()) {
            self.limits = limits
        }

        /// - Returns: the name of the file to begin; nil for none.
        /// - Throws: ``Refusal`` if the response would exceed the limits, or the content is not stored as it is sent.
        mutating func partBegan(_ head: PartHead) throws(Refusal) -> String? {
            expect(.betweenParts)
            try head.checkContentIsPlain()
            let part = try ReceivedPart(head)
            nameBytes += part.nameBytes
            guard nameBytes <= limits.form.nameBytes else {
                throw Refusal(
                    .tooLarge, "the names of the parts are longer than \(limits.form.nameBytes) bytes",
                    option: "--max-part-names")
            }
            parts.append(part)
            switch part.filename {
            case nil:
                fields += 1
                guard fields <= limits.form.fields else {
                    throw Refusal(
                        .tooLarge, "the message has more than \(limits.form.fields) fields", option: "--max-fields")
                }
                parts[parts.count - 1].value = FieldValue()
                state = .inField
                return nil
            case "":
                state = .inUnchosenFile
                return nil
            case .some(let filename):
                files.append(parts.count - 1)
                state = .inFile
                return filename
            }
        }

        /// - Parameter bytes: never empty.
        mutating func contentArrived(_ bytes: UnsafeRawBufferPointer) -> ContentAction {
            let last = parts.count - 1
            parts[last].size += bytes.count
            switch state {
            case .inFile:
                return .write
            case .inUnchosenFile:
                files.append(last)
                state = .inFile
                return .beginFileAndWrite(named: "")
            case .inField:
                let before = parts[last].value?.bytes.count ?? 0
                let room = limits.allValueBytes - valueBytes
                parts[last].value?.append(bytes, limit: min(limits.valueBytes, before + room))
                valueBytes += (parts[last].value?.bytes.count ?? 0) - before
                return .none
            case .betweenParts, .complete, .publishing, .published, .failed:
                preconditionFailure("content outside of a part")
            }
        }

        /// Content of a file has been stored before: the body is restored.
        ///
        /// - Returns: nil if no file is being received.
        mutating func contentRestored(count: Int) -> ContentAction? {
            switch state {
            case .inFile:
                parts[parts.count - 1].size += count
                return .write
            case .inUnchosenFile:
                files.append(parts.count - 1)
                state = .inFile
                parts[parts.count - 1].size += count
                return .beginFileAndWrite(named: "")
            case .inField, .betweenParts, .complete, .publishing, .published, .failed:
                return nil
            }
        }

        /// The number of the file whose content is received, from 0; nil for none. After an empty filename it is the one
        /// that content would begin.
        var currentFile: Int? {
            switch state {
            case .inFile: files.count - 1
            case .inUnchosenFile: files.count
            case .inField, .betweenParts, .complete, .publishing, .published, .failed: nil
            }
        }

        /// - Returns: whether a file of the storage ends.
        mutating func partEnded() -> Bool {
            switch state {
            case .inFile:
                state = .betweenParts
                return true
            case .inUnchosenFile, .inField:
                state = .betweenParts
                return false
            case .betweenParts, .complete, .publishing, .published, .failed:
                preconditionFailure("the end of a part that did not begin")
            }
        }

        mutating func messageEnded() {
            expect(.betweenParts)
            state = .complete
        }

        /// The request's body has ended. The files are published next.
        ///
        /// - Throws: ``Refusal`` if the closing delimiter is missing.
        mutating func bodyEnded() throws(Refusal) {
            guard case .complete = state else {
                throw Refusal(.malformed, "the message ended before its closing delimiter")
            }
            state = .publishing
        }

        /// The digests of the parts have been computed.
        ///
        /// - Parameters:
        ///   - digests: by the indices of the parts.
        ///   - wanted: which one is reported.
        /// - Throws: ``Refusal`` if a part has a digest that does not match.
        mutating func partsDigested(_ digests: [Int: Digests], wanted: DigestAlgorithm?) throws(Refusal) {
            expect(.publishing)
            for (index, computed) in digests {
                parts[index].checked =
                    try parts[index].expected?.check(computed, of: "part \(index + 1)") ?? CheckedDigests()
                let reported = wanted.flatMap { computed[$0] }?.hexadecimal
                switch wanted {
                case .sha256: parts[index].sha256 = reported
                case .sha512: parts[index].sha512 = reported
                case nil: break
                }
            }
        }

        /// - Parameters:
        ///   - published: as the storage returned it, one for each file.
        ///   - checked: what became of the digests of the body.
        mutating func published(
            as published: [PublishedFile?], _ checked: CheckedDigests = CheckedDigests()
        ) -> UploadReport {
            expect(.publishing)
            precondition(published.count == files.count, "the storage returned another number of files")
            for (file, published) in zip(files, published) { parts[file].savedAs = published?.name }
            state = .published
            return UploadReport(parts: parts, file: published.first.flatMap(\.self), checked: checked)
        }

        /// An error has occurred, or the request was aborted.
        ///
        /// - Returns: whether to abandon the files.
        mutating func failed() -> Bool {
            switch state {
            case .betweenParts, .inFile, .inUnchosenFile, .inField, .complete, .publishing:
                state = .failed
                return true
            case .published, .failed:
                return false
            }
        }

        private func expect(_ expected: State) {
            precondition(state == expected, "\(expected) was expected, not \(state)")
        }
    }
}
