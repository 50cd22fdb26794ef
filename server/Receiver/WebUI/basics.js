// One module in several files, joined in this order: basics, remembered, sending, uploads, uploads-shown, picking,
// stored, begin.

const parallelUploads = 3;
// Of thousands of uploads, only some are elements of the page.
const shownQueued = 10;
const shownFinished = 100;
const shownFiles = 200;
const shownLeftBehind = 3;
const filterFrom = 10;
const renderInterval = 150;
const averagedSeconds = 3;

const byID = id => document.getElementById(id);
const pageTitle = document.title;

// Formatting

function sizeText(bytes) {
    if (bytes < 1000) return `${Math.round(bytes)}\u00a0B`;
    const units = ["kB", "MB", "GB", "TB", "PB"];
    let value = bytes / 1000;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${value.toFixed(value < 99.95 ? 1 : 0)}\u00a0${units[unit]}`;
}

function durationText(seconds) {
    if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))}\u00a0s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes}\u00a0min`;
    if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
    return `${Math.round(minutes / 1440)}\u00a0days`;
}

const countText = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const exactText = bytes => countText(bytes, "byte");
const percentText = (part, whole) => `${whole > 0 ? Math.floor(100 * part / whole) : 100}%`;

function timeText(date) {
    const clock = { hour: "2-digit", minute: "2-digit" };
    const isThisYear = date.getFullYear() === new Date().getFullYear();
    return date.toLocaleString([], { day: "numeric", month: "short", ...(isThisYear ? clock : { year: "numeric" }) });
}

// Elements

/** Names come from other users: they become text, never markup. */
function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

const nameElement = name => element("bdi", { textContent: name, title: name });

function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/** Makes the rows the children of the parent. Does not move rows that are in place, so that they keep the focus. */
function arrange(parent, rows) {
    const kept = new Set(rows);
    for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
    rows.forEach((row, index) => {
        if (parent.children[index] !== row) parent.insertBefore(row, parent.children[index] ?? null);
    });
}

// Messages for screen readers: events, collected for a second, without progress

const news = { added: 0, stored: [], failed: [], cancelled: [] };
let newsTimer = null;

function announceSoon() {
    newsTimer ??= setTimeout(() => {
        newsTimer = null;
        const sentences = news.added > 0 ? [`Added ${countText(news.added, "file")}.`] : [];
        for (const kind of ["stored", "failed", "cancelled"]) {
            const names = news[kind].splice(0);
            if (names.length > 0) {
                sentences.push(names.length === 1 ? `${names[0]}.` : `${countText(names.length, "file")} ${kind}.`);
            }
        }
        news.added = 0;
        if (isIdle()) sentences.push("No upload is running.");
        byID("live").textContent = sentences.join(" ");
    }, 1000);
}
