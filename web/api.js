// api.js -- asks fettle, which has the snapshot in memory

/** A page of the interface as an object. Throws an Error whose message is for people. */
export async function get(page, params = {}, signal) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== undefined && value !== ''));
  let response, body;
  try {
    response = await fetch(`api/${page}?${query}`, { signal });
    body = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error('fettle heap view does not answer any more: has it ended?');
  }
  if (!response.ok) throw new Error(body.error);
  return body;
}
