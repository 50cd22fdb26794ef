// Uploads on the page

let renderTimer = null;

function renderSoon() {
    renderTimer ??= setTimeout(render, renderInterval);
}

function render() {
    renderTimer = null;
    const focusedRow = document.activeElement?.closest(".upload");
    const rows = uploads => uploads.map(rowOf);
    arrange(byID("failed"), rows([...failed]));
    arrange(byID("pending"), rows([...active, ...queue.slice(0, shownQueued)]));
    arrange(byID("finished"), rows(finished));
    if (focusedRow && document.activeElement === document.body) {
        // The focus was on a button that was removed, or in a row that moved.
        (focusedRow.isConnected && focusedRow.querySelector("a, button") || byID("uploads-heading")).focus();
    }
    showCount("more-queued", queue.length - shownQueued, "more waiting");
    showCount("more-finished", finishedNotShown, "more finished");

    byID("uploads").hidden = isIdle() && failed.size === 0 && finished.length === 0;
    byID("retry-all").hidden = failed.size < 2;
    byID("cancel-all").hidden = active.size + queue.length < 2;
    byID("clear").hidden = finished.length + failed.size === 0;
    renderNotices();
    renderSummary();
    if (active.size > 0) renderSoon();
}

const isInterrupted = () => active.size > 0 && [...active].every(upload => upload.state === "interrupted");

function renderNotices() {
    // Not at the first interruption: most are over before one has read about them.
    byID("notice").hidden = !isInterrupted() || [...active].some(upload => upload.interruptions < 2);
    if (!byID("notice").hidden) {
        const [{ reason }] = active;
        const rest = countText(active.size + queue.length, "file");
        const text = `${reason[0].toUpperCase()}${reason.slice(1)}. The page keeps trying. Still to be sent: ${rest}.`;
        setText(byID("notice-text"), text);
    }
    byID("left-behind").hidden = leftBehind.size === 0;
    if (leftBehind.size > 0) {
        const paths = [...leftBehind.values()];
        const more = paths.length > shownLeftBehind ? `, and ${countText(paths.length - shownLeftBehind, "other")}` : "";
        const names = paths.slice(0, shownLeftBehind).join(", ") + more;
        setText(byID("left-behind-text"), `Not sent completely: ${names}. Choose the same files again to go on.`);
    }
}

/** The rate and the remaining time, if bytes are being sent. */
function rateFacts(rate, total, rest) {
    rate?.sample(total);
    const value = rate?.value ?? 0;
    return value < 1 ? [] : [`${sizeText(value)}/s`, `${durationText(rest / value)} left`];
}

function showCount(id, count, what) {
    byID(id).hidden = count <= 0;
    setText(byID(id), `${count.toLocaleString("en")} ${what}`);
}

function renderSummary() {
    // The time without a connection must not count.
    if (isInterrupted()) batch.rate = null;
    let sent = batch.bytes;
    let total = batch.bytes + queuedBytes;
    for (const upload of active) {
        sent += upload.sent;
        total += upload.size;
    }
    const pendingFiles = active.size + queue.length;
    const facts = [];
    if (pendingFiles > 0) {
        facts.push(`${batch.files} of ${countText(batch.files + pendingFiles, "file")}`);
        facts.push(`${sizeText(sent)} of ${sizeText(total)}`);
        facts.push(...rateFacts(batch.rate, transferred, total - sent));
    } else if (batch.files > 0) {
        facts.push(`${countText(batch.files, "file")} stored`, sizeText(batch.bytes));
    }
    if (failed.size > 0) facts.push(`${failed.size.toLocaleString("en")} failed`);
    setText(byID("summary"), facts.join(", "));
    byID("total").hidden = pendingFiles < 2 && batch.files === 0 || pendingFiles === 0;
    byID("total").value = total > 0 ? sent / total : 0;
    document.title = pendingFiles > 0 ? `${percentText(sent, total)} – ${pageTitle}` : pageTitle;
}

function rowOf(upload) {
    upload.row ??= makeRow(upload);
    const { root, progress, details, actions } = upload.row;
    if (root.dataset.state !== upload.state) {
        root.dataset.state = upload.state;
        progress.hidden = !active.has(upload);
        actions.replaceChildren(...actionsFor(upload));
        details.replaceChildren(...detailsOf(upload));
    }
    if (active.has(upload)) {
        const size = upload.size;
        progress.value = upload.sent / Math.max(1, size);
        const facts = [percentText(upload.sent, size), `${sizeText(upload.sent)} of ${sizeText(size)}`];
        const rest = size - upload.sent;
        if (upload.state === "interrupted") {
            const delay = durationText((upload.due - performance.now()) / 1000);
            facts.push(`${upload.reason}; trying again in ${delay}`);
        } else {
            facts.push(...(rest === 0 ? ["being stored"] : rateFacts(upload.rate, upload.sent, rest)));
        }
        setText(details, facts.join(", "));
    } else if (upload.state === "queued") {
        setText(details, `${sizeText(upload.size)}, ${needsToken ? "waits for the token" : "waiting"}`);
    }
    return root;
}

function makeRow(upload) {
    const name = element("p", { className: "name" }, nameElement(upload.path));
    const progress = element("progress", { max: 1, ariaLabel: `Progress of ${upload.path}` });
    const details = element("p", { className: "details" });
    const actions = element("div", { className: "actions" });
    const root = element("li", { className: "upload" }, name, progress, details, actions);
    return { root, progress, details, actions };
}

function actionsFor(upload) {
    const button = (text, action) => {
        const properties = { type: "button", ariaLabel: `${text}: ${upload.path}`, onclick: () => action(upload) };
        return element("button", properties, text);
    };
    switch (upload.state) {
        case "stored": return [];
        case "failed": case "cancelled": return [button("Try again", retry)];
        default: return [button("Cancel", cancel)];
    }
}

function detailsOf(upload) {
    const size = sizeText(upload.size);
    if (upload.state === "failed") return [`${size}, failed: ${upload.reason}`];
    if (upload.state === "cancelled") return [`${size}, cancelled`];
    if (upload.state !== "stored") return [];
    const name = nameElement(upload.savedAs);
    const link = upload.link && element("a", { href: upload.link, download: "" }, name);
    const details = [`${size}, stored as `, link ?? name];
    if (upload.savedAs !== upload.file.name) details.push(" ", element("span", { className: "tag" }, "renamed"));
    if (!link) details.push(" ", element("span", { className: "tag" }, "hidden, so not in the list"));
    return details;
}

// The token, kept for this tab. Browsers that are set to store nothing throw.

function storedToken() {
    try {
        return sessionStorage.getItem("token") ?? "";
    } catch {
        return "";
    }
}

function askForToken(message) {
    needsToken = true;
    batch.rate = null;
    byID("token-form").hidden = false;
    setText(byID("token-error"), message);
    byID("token").ariaInvalid = "true";
    if (document.activeElement === document.body) byID("token").focus();
}

function useToken(event) {
    event.preventDefault();
    const value = byID("token").value.trim();
    if (!/^[\x21-\x7e]*$/.test(value)) {
        askForToken("A token contains only visible ASCII characters, and no spaces.");
        return;
    }
    token = value;
    try {
        sessionStorage.setItem("token", token);
    } catch {
        // The page keeps it in memory only.
    }
    byID("token-error").textContent = "";
    byID("token").ariaInvalid = null;
    needsToken = false;
    startNext();
}
